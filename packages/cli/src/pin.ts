import type { Command } from './command.ts';
import { fetchConfiguration } from './config/fetched.ts';
import { fetchOf, originOf, reachFlags } from './connection.ts';
import { Failure } from './failure.ts';
import type { Flags } from './flags.ts';

export const pin: Command = {
  name: 'pin',
  takes: 'ORIGIN',
  summary: 'The pins that sign the key configuration of a server',
  flags: { ...reachFlags },
  notes: `What comes over the network could be anyone's who ends TLS: compare it with what the server's operator says.

  sealwire pin https://api.example.com

Exit codes: 0, 1 there is no configuration with a valid signature, 2 usage.`,
  run,
};

async function run(flags: Flags): Promise<number> {
  const origin = originOf(flags);
  const { signers } = await fetchConfiguration(origin, fetchOf(flags, origin));
  if (signers.length === 0) throw new Failure(1, 'configuration-invalid', 'Its signatures are wrong.');
  process.stdout.write(signers.map((each) => `${each}\n`).join(''));
  return 0;
}
