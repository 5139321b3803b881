import { type ConfigurationPayload, suiteByKem } from '@sealwire/core';
import type { Command } from '../command.ts';
import { fetchOf, givenPins, originOf, reachFlags } from '../connection.ts';
import type { Flags } from '../flags.ts';
import { jsonFlag, writeJson } from '../json.ts';
import { printable } from '../printable.ts';
import { moment, roughly } from '../times.ts';
import { type FetchedConfiguration, fetchConfiguration } from './fetched.ts';

export const configShow: Command = {
  name: 'config show',
  takes: 'ORIGIN',
  summary: 'The signed key configuration of a server, verified and explained',
  flags: {
    identity: {
      value: 'PIN',
      text: 'the pin that it should be signed by, or several; default: $SEALWIRE_IDENTITY',
    },
    json: jsonFlag,
    ...reachFlags,
  },
  notes: `  sealwire config show https://api.example.com
  sealwire config show --identity sw1… --json https://api.example.com | jq .payload.keys

Exit codes: 0 it is valid now, and signed by a pin that was given (by anyone if none was), 1 it is not, 2 usage.`,
  run,
};

async function run(flags: Flags): Promise<number> {
  const origin = originOf(flags);
  const pins = givenPins(flags);
  const fetched = await fetchConfiguration(origin, fetchOf(flags, origin));
  const faults = faultsOf(fetched, origin, pins, Date.now());
  if (flags.has('json')) {
    const { payload, signers, named } = fetched;
    writeJson({ origin, payload, signers, named, faults });
  } else {
    process.stdout.write(printable(`${describe(fetched, Date.now())}\n${verdict(faults, pins)}\n`));
  }
  return faults.length > 0 ? 1 : 0;
}

/** What a client of this origin would refuse it for. */
export function faultsOf(
  { payload, signers, named }: FetchedConfiguration,
  origin: string,
  pins: readonly string[],
  now: number,
): string[] {
  const faults: string[] = [];
  const forged = named.filter((pin) => !signers.includes(pin));
  if (forged.length > 0) faults.push(`The signature of ${forged.join(' and ')} is wrong.`);
  if (pins.length > 0 && !pins.some((pin) => signers.includes(pin)))
    faults.push(`It is signed by ${signers.join(' and ') || 'nobody'}, and not by ${pins.join(' or ')}.`);
  if (!payload.aud.includes(origin))
    faults.push(
      `It is for ${payload.aud.join(', ')}: list ${origin} in the option \`origins\` of the server.`,
    );
  if (now < payload.iat) faults.push('It is not valid yet: one of the two clocks is wrong.');
  if (now >= payload.exp)
    faults.push('It is not valid any more: a stale copy, or one of the two clocks is wrong.');
  return faults;
}

function describe({ payload, signers }: FetchedConfiguration, now: number): string {
  const { aud, seq, iat, exp, fields, handshake } = payload;
  return [
    row('for', aud.join(', ')),
    row('signed by', signers.join(', ') || 'nobody'),
    row('signed', `${moment(iat)} (${ago(now - iat)})`),
    row('valid until', `${moment(exp)} (${ago(now - exp)})`),
    row('seq', String(seq)),
    row('handshake', handshake),
    row('fields', fields.length > 0 ? `${fields.join(', ')}, beyond the table` : 'those of the table'),
    ...payload.keys.map((key) => row('key', keyLine(key, now))),
  ].join('\n');
}

function keyLine({ kid, kem, nbf, exp }: ConfigurationPayload['keys'][number], now: number): string {
  const name = suiteByKem(kem)?.name ?? `KEM 0x${kem.toString(16).padStart(4, '0')}, unknown here`;
  const state = now < nbf ? `from ${moment(nbf)}` : now < exp ? `until ${moment(exp)}` : 'not any more';
  return `${kid}  ${name}  ${state}`;
}

function verdict(faults: readonly string[], pins: readonly string[]): string {
  if (faults.length > 0) return faults.join('\n');
  return pins.length > 0
    ? 'It is valid, and signed by the pin that was given.'
    : 'It is valid. Whether the one who signed it is your server, only a pin tells: compare it with --identity.';
}

function row(name: string, value: string): string {
  return `${name.padEnd(13)}${value}`;
}

/** `3 min ago`, `in 23 h`. */
function ago(difference: number): string {
  const text = roughly(difference);
  return difference >= 0 ? `${text} ago` : `in ${text}`;
}
