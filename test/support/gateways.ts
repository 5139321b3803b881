import type { AddressInfo } from 'node:net';
import { createGateway, type GatewayOptions } from '@sealwire/client/node';
import * as assert from 'uvu/assert';
import { it } from './cases.ts';
import { type Answered, type Asked, ask } from './plain-client.ts';
import { afterwards } from './resources.ts';
import { pin } from './servers.ts';
import { type Stack, type StackApp, type StackServer, stacks, startStack } from './stacks.ts';

/** The newest of each framework. */
export const gatewayStacks = stacks.filter(({ name }) => name === 'Express 5' || name === 'Koa 3');

/** Starts a gateway for an origin, pinned to the identity of the tests; it is closed after the test. */
export async function startGateway(
  options: Partial<GatewayOptions> & { origin: string },
): Promise<{ origin: string; port: number }> {
  const trusted = options.trust === undefined ? { identity: pin } : {};
  const gateway = createGateway({ ...trusted, suites: ['X25519'], ...options });
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  afterwards(() => {
    gateway.close();
    gateway.closeAllConnections();
  });
  const { port } = gateway.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, port };
}

/** One application twice: in plain, and sealed behind a gateway. */
export interface GatewayTwins {
  readonly plain: StackServer;
  readonly sealed: StackServer;
  readonly gateway: { origin: string; port: number };
}

export async function startGatewayTwins(
  stack: Stack,
  app: StackApp,
  options: Partial<GatewayOptions> = {},
): Promise<GatewayTwins> {
  const plain = await startStack(stack, app, { sealed: false });
  const sealed = await startStack(stack, app);
  return { plain, sealed, gateway: await startGateway({ ...options, origin: sealed.origin }) };
}

/** Fields of one connection: a gateway has two. */
export const ofConnection = new Set(['connection', 'keep-alive', 'te', 'trailer', 'expect']);

/** An answer in which nothing tells the servers apart but what they say. */
function comparable({ status, headers, trailers, body }: Answered, ...ports: number[]) {
  const neutral = (text: string) =>
    ports.reduce((result, port) => result.replaceAll(`127.0.0.1:${port}`, 'HOST'), text);
  return {
    status,
    headers: headers
      .filter(([name]) => !ofConnection.has(name))
      .map(([name, value]) => `${name}: ${name === 'date' ? '' : neutral(value)}`),
    trailers,
    body: neutral(body.toString('latin1')),
  };
}

/** Asserts that the gateway answers as the server in plain does. @returns the answer */
export async function assertSame(twins: GatewayTwins, path: string, asked?: Asked) {
  const { plain, sealed, gateway } = twins;
  const [direct, through] = [await ask(plain.origin, path, asked), await ask(gateway.origin, path, asked)];
  const expected = comparable(direct, plain.port);
  assert.equal(comparable(through, gateway.port, sealed.port), expected, `${asked?.method} ${path}`);
  return expected;
}

/** Registers a test of one application for every framework. */
export function onGateways(name: string, app: StackApp, run: (twins: GatewayTwins) => unknown): void {
  for (const stack of gatewayStacks) {
    it(`${name} (${stack.name})`, async () =>
      run(await startGatewayTwins(stack, app, { outerFields: ['x-*'] })));
  }
}

/** Asserts that a gateway answered itself, and returns the detail that it gave. */
export function assertOwn({ status, headers, body }: Answered, code: string, expected: number): string {
  const fields = Object.fromEntries(headers);
  assert.equal([status, fields.sealwire], [expected, code], String(body));
  assert.is(fields['content-type'], 'application/problem+json');
  assert.is(fields['cache-control'], 'no-store');
  const problem = JSON.parse(String(body));
  assert.equal(
    [problem.code, problem.status, problem.type],
    [code, expected, `urn:sealwire:problem:${code}`],
  );
  return `${problem.title} ${problem.detail ?? ''}`;
}
