import type * as node from './crypto.node.ts';
import type * as web from './crypto.web.ts';
import type * as nodeKems from './kem.node.ts';
import type * as webKems from './kems.web.ts';
import type { Kems, Primitives } from './primitives.ts';

type Conforms<P extends Primitives<M, A>, M, A> = P;
type Offers<K extends Kems> = K;
/** Does not compile unless both files offer all of it. */
export type Platforms = [
  Conforms<typeof node, node.MasterKey, node.AeadKey>,
  Conforms<typeof web, web.MasterKey, web.AeadKey>,
  Offers<typeof nodeKems>,
  Offers<typeof webKems>,
];
