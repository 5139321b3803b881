import type { PlatformFetch } from '@sealwire/client';
import { configurationPath } from '@sealwire/core';
import { answerLimit, reasonOf } from '../config/fetched.ts';
import type { Findings } from './finding.ts';

const check = 'CORS';

/** Whether a page of another origin may call: the answers to its preflight, and what it may read of a plain answer. */
export async function* checkCors(origin: string, page: string, path: string, fetch: PlatformFetch): Findings {
  for (const method of ['GET', 'POST']) {
    const headers = {
      origin: page,
      'access-control-request-method': method,
      'access-control-request-headers': 'content-type,sealwire',
    };
    const answer = await answerOf(fetch, origin + path, { method: 'OPTIONS', headers });
    if (typeof answer === 'string') {
      yield { check, level: 'problem', text: `The preflight of ${method} was not answered: ${answer}.` };
      return;
    }
    const missing = missingFor(answer, page);
    yield missing === undefined
      ? { check, level: 'ok', text: `Pages of ${page} may send ${method}.` }
      : {
          check,
          level: 'problem',
          text: `The preflight of ${method} got ${answer.status} ${missing}.`,
          remedy: 'Mount cors() before sealwire(), and let it allow the headers Content-Type and Sealwire.',
        };
  }
  const answer = await answerOf(fetch, origin + configurationPath, { headers: { origin: page } });
  if (typeof answer === 'string') {
    const text = `${configurationPath} was not answered to a page of ${page}: ${answer}.`;
    yield { check, level: 'problem', text };
  } else if (!allows(answer.headers.get('access-control-allow-origin'), page)) {
    const text = `Pages of ${page} may not read ${configurationPath}.`;
    yield { check, level: 'problem', text, remedy: 'Mount cors() before sealwire(), at the root.' };
  }
}

/** An answer that came to its end in time, or why none did. */
async function answerOf(fetch: PlatformFetch, url: string, init: RequestInit): Promise<Response | string> {
  try {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(answerLimit) });
    await answer.arrayBuffer();
    return answer;
  } catch (error) {
    return reasonOf(error);
  }
}

/** What an answer to a preflight lacks, by the fetch standard; GET and POST need not be listed. */
function missingFor({ ok, headers }: Response, page: string): string | undefined {
  if (!ok) return 'instead of a 2xx';
  if (!allows(headers.get('access-control-allow-origin'), page)) return `and does not allow ${page}`;
  const allowed = headers.get('access-control-allow-headers')?.toLowerCase() ?? '';
  const lacking = ['content-type', 'sealwire'].filter((name) => !allows(allowed, name));
  return lacking.length > 0 ? `and does not allow the headers ${lacking.join(' and ')}` : undefined;
}

function allows(list: string | null, name: string): boolean {
  const entries = (list ?? '').split(',').map((entry) => entry.trim());
  return entries.includes('*') || entries.includes(name);
}
