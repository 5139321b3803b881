import { once } from 'node:events';
import type { Server } from 'node:http';
import { isIP } from 'node:net';
import { createGateway } from '@sealwire/client/node';
import type { Command } from './command.ts';
import { connectionFlags, connectionOptions, originOf } from './connection.ts';
import { Failure, usage } from './failure.ts';
import type { Flags } from './flags.ts';

export const proxy: Command = {
  name: 'proxy',
  takes: 'ORIGIN',
  summary: 'A sealing gateway: plain HTTP on this machine, sealed to the server',
  flags: {
    listen: { value: 'ADDRESS', text: 'where to listen, on loopback only; default: 127.0.0.1:8081' },
    ...connectionFlags,
  },
  notes: `Call the gateway as you would call the server: http://127.0.0.1:8081/orders for /orders of ORIGIN. What it says
itself, and not the server, has a header "sealwire" with a code, and problem details that say what to do.
Programs on this machine can use it, pages of other sites cannot. Ctrl-C ends it.

Exit codes: 0 ended by Ctrl-C or SIGTERM, 1 it cannot listen, 2 usage.`,
  run,
};

async function run(flags: Flags): Promise<number> {
  const { host, port } = parseListen(flags.last('listen') ?? '127.0.0.1:8081');
  const origin = originOf(flags);
  const gateway = createGateway(connectionOptions(flags, origin));
  const ended = signalled();
  try {
    gateway.listen(port, host);
    await once(gateway, 'listening');
  } catch (error) {
    throw new Failure(1, 'listen', `${(error as Error).message}. Choose another address with --listen.`);
  }
  process.stdout.write(`${addressOf(gateway)} leads sealed to ${origin}\n`);
  await ended;
  gateway.close();
  gateway.closeAllConnections();
  return 0;
}

function parseListen(text: string): { host: string; port: number } {
  const [, name = '127.0.0.1', digits] = text.match(/^(?:(.+):)?([0-9]{1,5})$/) ?? [];
  const host = name.replace(/^\[(.*)\]$/, '$1');
  if (digits === undefined || Number(digits) > 65_535)
    throw usage(`--listen takes a port, or an address like 127.0.0.1:8081 or [::1]:8081, not ${text}.`);
  if (host !== 'localhost' && host !== '::1' && !(isIP(host) === 4 && host.startsWith('127.')))
    throw usage(`--listen ${host}: what arrives at a gateway is plaintext, so it listens on loopback only.`);
  return { host, port: Number(digits) };
}

function addressOf(gateway: Server): string {
  const { address, family, port } = gateway.address() as { address: string; family: string; port: number };
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

function signalled(): Promise<unknown> {
  return Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}
