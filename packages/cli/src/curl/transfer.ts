import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGateway } from '@sealwire/client/node';
import { connectionOptions } from '../connection.ts';
import { Failure, usage } from '../failure.ts';
import type { Flags } from '../flags.ts';
import { Cookies } from './cookies.ts';
import { exchange, type Show } from './exchange.ts';
import { Output } from './output.ts';
import { watch } from './outside.ts';
import { redirected } from './redirect.ts';
import { type Wanted, wantedOf } from './request.ts';

/** Does what the flags of `sealwire curl` ask for. @throws Failure, SealwireError */
export async function transfer(flags: Flags): Promise<void> {
  const wanted = wantedOf(flags);
  const options = connectionOptions(flags, wanted.url.origin);
  const outside = watch(options.fetch);
  const show: Show = flags.has('verbose') ? (line) => process.stderr.write(`${line}\n`) : () => {};
  const { signal, timedOut } = limitOf(flags);
  // A gateway in this process: what curl does with plain HTTP is done with plain HTTP.
  const gateway = createGateway({ ...options, fetch: outside.fetch }).listen(0, '127.0.0.1');
  try {
    await once(gateway, 'listening');
    const { port } = gateway.address() as AddressInfo;
    await follow(flags, wanted, (each) => exchange(port, each, { outside, signal, show }));
  } catch (error) {
    if (timedOut()) throw new Failure(28, 'timeout', `There was no end within ${flags.last('max-time')} s.`);
    throw error instanceof Failure ? error : unexpected(error as NodeJS.ErrnoException);
  } finally {
    for (const line of outside.lines()) show(`* ${line}`);
    gateway.close();
    gateway.closeAllConnections();
    // The server may have answered before it came to its end.
    if (flags.last('upload-file') === '-') process.stdin.destroy();
  }
}

async function follow(
  flags: Flags,
  first: Wanted,
  send: (wanted: Wanted) => Promise<IncomingMessage>,
): Promise<void> {
  const cookies = new Cookies(flags);
  const output = new Output(flags, first.url);
  const most = countOf(flags, 'max-redirs') ?? 50;
  let wanted = first;
  for (let hops = 0; ; hops++) {
    const cookie = cookies.header(wanted.url);
    const headers = cookie === undefined ? wanted.headers : [...wanted.headers, ['Cookie', cookie] as const];
    const incoming = await send({ ...wanted, headers });
    cookies.take(incoming.headers['set-cookie'] ?? [], wanted.url);
    const { statusCode: status = 0 } = incoming;
    if (flags.has('fail') && status >= 400) throw new Failure(22, 'status', `The server answered ${status}.`);
    output.head(incoming);
    const next = flags.has('location') ? redirected(flags, wanted, incoming) : undefined;
    if (next === undefined) {
      await output.body(incoming);
      cookies.save();
      return;
    }
    if (hops >= most) throw new Failure(47, 'redirects', `There are more than ${most} redirects.`);
    incoming.resume();
    wanted = next;
  }
}

function limitOf(flags: Flags): { signal: AbortSignal; timedOut(): boolean } {
  const seconds = countOf(flags, 'max-time');
  // As with curl, 0 is no limit.
  if (!seconds) return { signal: new AbortController().signal, timedOut: () => false };
  const signal = AbortSignal.timeout(Math.ceil(seconds * 1000));
  return { signal, timedOut: () => signal.aborted };
}

/** @throws Failure for what is no number */
function countOf(flags: Flags, name: string): number | undefined {
  const given = flags.last(name);
  if (given === undefined) return undefined;
  const count = Number(given);
  // What a timer takes, in milliseconds.
  if (given === '' || !(count >= 0 && count * 1000 < 2 ** 31))
    throw usage(`--${name} takes a number, not ${JSON.stringify(given)}.`);
  return count;
}

function unexpected(error: NodeJS.ErrnoException): Error {
  if (error.code !== 'ECONNRESET') return error;
  return new Failure(56, 'connection', 'The connection to the gateway broke off.');
}
