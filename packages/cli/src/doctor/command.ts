import { readFileSync } from 'node:fs';
import { isSealwireError } from '@sealwire/core';
import type { Command } from '../command.ts';
import { fetchConfiguration } from '../config/fetched.ts';
import { fetchOf, givenPins, originOf, reachFlags } from '../connection.ts';
import { Failure } from '../failure.ts';
import type { Flags } from '../flags.ts';
import { jsonFlag, writeJson } from '../json.ts';
import { checkConfiguration } from './configuration.ts';
import { checkCors } from './cors.ts';
import { checkExchanges, checkHandshakes, harmlessPath } from './exchanges.ts';
import { type Finding, type Findings, format, hasColours } from './finding.ts';
import { checkTls } from './tls.ts';

export const doctor: Command = {
  name: 'doctor',
  takes: 'ORIGIN',
  summary: 'Finds out why clients do not get through to a server, and what to do about it',
  flags: {
    identity: { value: 'PIN', text: 'the pin that clients have, or several; default: $SEALWIRE_IDENTITY' },
    path: { value: 'PATH', text: 'a path to GET as clients do; default: one that no application has' },
    page: {
      value: 'ORIGIN',
      text: 'the origin of a page that calls the server: its preflights are tried, too',
    },
    json: jsonFlag,
    ...reachFlags,
  },
  notes: `It looks at TLS, the key configuration, both clocks, caches, a handshake in each suite, and sealed requests: a GET of
PATH (once more with a long header), and a POST to a path that no application has.

  sealwire doctor --identity sw1… https://api.example.com
  sealwire doctor --page https://app.example.com --path /health --json https://api.example.com

Exit codes: 0 nothing is in the way, 1 something is, 2 usage.`,
  run,
};

async function run(flags: Flags): Promise<number> {
  const findings: Finding[] = [];
  const json = flags.has('json');
  const colours = hasColours();
  for await (const finding of examine(flags)) {
    findings.push(finding);
    // One by one, since some take their time.
    if (!json) process.stdout.write(`${format(finding, colours)}\n`);
  }
  if (json) writeJson({ origin: originOf(flags), findings });
  return findings.some(({ level }) => level === 'problem') ? 1 : 0;
}

/** Each check in its turn, up to one without which the next would make no sense. */
async function* examine(flags: Flags): Findings {
  const origin = originOf(flags);
  const fetch = fetchOf(flags, origin);
  const pins = givenPins(flags);
  const path = flags.last('path') ?? harmlessPath;
  const page = flags.last('page');
  const file = flags.last('cacert');
  const address = new URL(flags.last('connect-to') ?? origin);

  yield* checkTls(origin, address, file === undefined ? undefined : readFileSync(file));
  try {
    const fetched = await fetchConfiguration(origin, fetch);
    yield* checkConfiguration(fetched, origin, pins);
    const trust = pins.length > 0 ? { identity: pins } : { trust: 'tls' as const };
    yield* checkHandshakes({ origin, trust, fetch }, fetched.payload);
    yield* checkExchanges({ origin, trust, fetch }, path);
  } catch (error) {
    if (!(error instanceof Failure) && !isSealwireError(error)) throw error;
    yield { check: 'configuration', level: 'problem', text: error.message };
  }
  if (page !== undefined) yield* checkCors(origin, page, path, fetch);
}
