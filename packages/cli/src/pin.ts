import type { Command } from './command.ts';
import { fetchConfiguration } from './config/fetched.ts';
import { fetchOf, originOf, reachFlags } from './connection.ts';
import { Failure, usage } from './failure.ts';
import type { Flags } from './flags.ts';
import { jsonFlag, writeJson } from './json.ts';
import { directoryFlags, withRing } from './keys/ring.ts';

export const pin: Command = {
  name: 'pin',
  takes: '[ORIGIN]',
  summary: 'The pins of a server: of one that runs at ORIGIN, or of its key directory',
  flags: { ...directoryFlags, ...reachFlags, json: jsonFlag },
  notes: `With ORIGIN, the pins that sign its key configuration. What comes over the network could be anyone's who ends TLS:
compare it with what the server's operator says, who gets it by --dir.

  sealwire pin https://api.example.com
  sealwire pin --dir /var/lib/orders/keys

Exit codes: 0, 1 there is no configuration with a valid signature, or the keys cannot be read, 2 usage.`,
  run,
};

async function run(flags: Flags): Promise<number> {
  const pins = await pinsOf(flags);
  if (flags.has('json')) writeJson(pins);
  else process.stdout.write(pins.map((each) => `${each}\n`).join(''));
  return 0;
}

async function pinsOf(flags: Flags): Promise<readonly string[]> {
  const ofDirectory = flags.has('dir');
  if (ofDirectory !== (flags.positionals.length === 0)) throw usage('Give one of ORIGIN and --dir DIR.');
  if (ofDirectory) return withRing(flags, async ({ pins }) => pins);
  const origin = originOf(flags);
  const { signers } = await fetchConfiguration(origin, fetchOf(flags, origin));
  if (signers.length === 0) throw new Failure(1, 'configuration-invalid', 'Its signatures are wrong.');
  return signers;
}
