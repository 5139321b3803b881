import type { KEMFactory } from 'hpke';
import * as node from '../../src/crypto.node.ts';
import * as web from '../../src/crypto.web.ts';
import * as nodeKems from '../../src/kem.node.ts';
import * as webKems from '../../src/kems.web.ts';
import type { Kems, Primitives } from '../../src/primitives.ts';
import { loadXwing as loadWebXwing } from '../../src/xwing.web.ts';

/** What `#crypto` and `#kems` stand for on one platform. WebCrypto is there on Node, too. */
export interface Platform {
  readonly name: string;
  readonly crypto: Primitives<unknown, unknown> & Kems;
}

export const platforms: readonly Platform[] = [
  { name: 'node:crypto', crypto: { ...node, ...nodeKems } },
  { name: 'WebCrypto', crypto: { ...web, ...webKems } },
];

export interface KemVariant {
  readonly name: string;
  load(): Promise<KEMFactory>;
}

/** X-Wing with every ML-KEM that can stand behind it on this machine. */
export const xwingVariants: readonly KemVariant[] = [
  ...(nodeKems.hasNativeMlkem
    ? [{ name: 'node:crypto, native ML-KEM', load: () => nodeKems.loadXwing(true) }]
    : []),
  { name: 'node:crypto, ML-KEM of noble', load: () => nodeKems.loadXwing(false) },
  { name: 'WebCrypto, ML-KEM of noble', load: async () => loadWebXwing() },
];

/** Every implementation of a KEM. */
export function kemVariants(id: number): readonly KemVariant[] {
  if (id === 0x647a) return xwingVariants;
  return platforms.map(({ name, crypto }) => ({ name, load: () => crypto.loadKem(id) }));
}

export const kemIds = [0x647a, 0x0020, 0x0010] as const;
