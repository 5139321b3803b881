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
    let answer: Response;
    try {
      answer = await fetch(origin + path, {
        method: 'OPTIONS',
        headers,
        signal: AbortSignal.timeout(answerLimit),
      });
      await answer.arrayBuffer();
    } catch (error) {
      yield {
        check,
        level: 'problem',
        text: `The preflight of ${method} was not answered: ${reasonOf(error)}.`,
      };
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
  const answer = await fetch(origin + configurationPath, { headers: { origin: page } });
  await answer.arrayBuffer();
  if (!allows(answer.headers.get('access-control-allow-origin'), page)) {
    const text = `Pages of ${page} may not read ${configurationPath}.`;
    yield { check, level: 'problem', text, remedy: 'Mount cors() before sealwire(), at the root.' };
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
