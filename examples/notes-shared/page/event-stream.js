// text/event-stream (HTML standard, section 9.2.6) out of any response: the platform's EventSource cannot be sealed.

/**
 * The events of a response, one by one as they arrive.
 * @param {Response} response
 * @returns {AsyncGenerator<{ type: string, data: string }>}
 */
export async function* readEvents(response) {
  let type = '';
  let data = [];
  for await (const line of readLines(response.body)) {
    if (line === '') {
      if (data.length > 0) yield { type: type || 'message', data: data.join('\n') };
      type = '';
      data = [];
      continue;
    }
    // A line that begins with a colon is a comment: its name is empty.
    const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (name === 'event') type = value;
    else if (name === 'data') data.push(value);
  }
}

async function* readLines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      // A \r at the very end may be the first half of a line's end.
      const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      yield* lines;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
