import type { FetchedConfiguration } from '../config/fetched.ts';
import { faultsOf } from '../config/show.ts';
import type { Findings } from './finding.ts';

/** Beyond this two clocks disagree more than a network explains, in milliseconds. */
const clockNoise = 5_000;
/** Beyond this a client refuses what is signed (docs/PROTOCOL.md, Key configuration), in milliseconds. */
const clockTolerance = 300_000;

/** Whether clients of the origin take what the well-known path answers, and will in an hour. */
export async function* checkConfiguration(
  fetched: FetchedConfiguration,
  origin: string,
  pins: readonly string[],
): Findings {
  const now = Date.now();
  const faults = faultsOf(fetched, origin, pins, now);
  for (const text of faults) yield { check: 'configuration', level: 'problem', text };
  if (faults.length === 0)
    yield {
      check: 'configuration',
      level: 'ok',
      text: `seq ${fetched.payload.seq}, signed by ${fetched.signers.join(', ')}`,
    };
  if (pins.length === 0) {
    const remedy = 'Compare it with what the server printed, and give it as --identity.';
    yield { check: 'pin', level: 'note', text: 'None was given: this could be anyone who ends TLS.', remedy };
  }
  yield* checkClock(fetched, now);
  yield* checkCache(fetched);
}

/** By the `Date` of the answer; what answers may be a proxy, whose clock says less. */
async function* checkClock({ response }: FetchedConfiguration, now: number): Findings {
  const date = Date.parse(response.headers.get('date') ?? '');
  if (Number.isNaN(date)) return;
  const skew = now - date - Number(response.headers.get('age') ?? 0) * 1000;
  const seconds = Math.round(Math.abs(skew) / 1000);
  const text = `This machine is ${seconds} s ${skew > 0 ? 'ahead of' : 'behind'} the server.`;
  const remedy = 'Set both by NTP: signed times and the age of requests are judged by them.';
  if (Math.abs(skew) > clockTolerance) yield { check: 'clock', level: 'problem', text, remedy };
  else if (Math.abs(skew) > clockNoise) yield { check: 'clock', level: 'warning', text, remedy };
  else yield { check: 'clock', level: 'ok', text: 'Both clocks agree.' };
}

async function* checkCache({ response, payload }: FetchedConfiguration): Findings {
  const control = response.headers.get('cache-control') ?? '';
  const age = Number(response.headers.get('age') ?? 0);
  const maxAge = Number(/(?:^|[\s,])(?:s-maxage|max-age)=(\d+)/.exec(control)?.[1] ?? 0);
  const remedy =
    'Let caches keep /.well-known/sealwire for as long as its cache-control says, and no longer.';
  if (age > maxAge) {
    const text = `A cache answered with a copy that is ${age} s old, of which ${maxAge} s were allowed.`;
    yield { check: 'caches', level: 'warning', text, remedy };
  } else if (Date.now() + (maxAge - age) * 1000 > payload.exp) {
    yield { check: 'caches', level: 'warning', text: 'Caches may keep it longer than it is valid.', remedy };
  } else {
    yield {
      check: 'caches',
      level: 'ok',
      text: `${control || 'no cache-control'}${age > 0 ? `, age ${age}` : ''}`,
    };
  }
}
