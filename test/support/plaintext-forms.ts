const representations: Record<string, (bytes: Buffer) => string[]> = {
  'as it is': (bytes) => [bytes.toString('latin1')],
  base64: (bytes) => base64(bytes, 'base64'),
  base64url: (bytes) => base64(bytes, 'base64url'),
  hex: (bytes) => [bytes.toString('hex'), bytes.toString('hex').toUpperCase()],
  'percent-encoded': (bytes) => percentEncoded(bytes),
};

/** How a text reads inside of longer base64: by where it begins within three bytes. */
function base64(bytes: Buffer, alphabet: 'base64' | 'base64url'): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString(alphabet);
    // Characters at either end that neighbours have a part in.
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
}

/** Of all bytes, and of those that a URL or a form does not take. */
function percentEncoded(bytes: Buffer): string[] {
  const all = bytes.toString('hex').replace(/../g, '%$&');
  const needed = bytes
    .toString('latin1')
    .replace(/[^A-Za-z0-9\-_.!~*'()]/g, (each) => `%${each.charCodeAt(0).toString(16).padStart(2, '0')}`);
  const either = [all, needed, needed.replaceAll('%20', '+')];
  return [...either, ...either.map((text) => text.replace(/%../g, (each) => each.toUpperCase()))];
}

/** Every form in which a text may stand in recorded bytes, by name. */
function formsOf(text: string): [name: string, bytes: Buffer][] {
  const little = Buffer.from(text, 'utf16le');
  const encodings = {
    'utf-8': Buffer.from(text),
    'utf-16le': little,
    'utf-16be': Buffer.from(little).swap16(),
  };
  return Object.entries(encodings).flatMap(([encoding, encoded]) =>
    Object.entries(representations).flatMap(([name, represent]) =>
      represent(encoded).map((form): [string, Buffer] => [
        `${encoding} ${name}`,
        Buffer.from(form, 'latin1'),
      ]),
    ),
  );
}

/** Where texts stand in what was recorded, in whatever form. */
export function placesOf(texts: readonly string[], recorded: readonly Buffer[]): string[] {
  return texts.flatMap((text) =>
    formsOf(text)
      .filter(([, form]) => recorded.some((bytes) => bytes.includes(form)))
      .map(([name]) => `${JSON.stringify(text)}, ${name}`),
  );
}
