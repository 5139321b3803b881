import type { AddressInfo } from 'node:net';
import { createGateway, type GatewayOptions } from '@sealwire/client/node';
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
