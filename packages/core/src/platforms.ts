import type * as node from './crypto.node.ts';
import type * as web from './crypto.web.ts';
import type { Primitives } from './primitives.ts';

type Conforms<P extends Primitives<M, A>, M, A> = P;
/** Does not compile unless both files offer all of it. */
export type Platforms = [
  Conforms<typeof node, node.MasterKey, node.AeadKey>,
  Conforms<typeof web, web.MasterKey, web.AeadKey>,
];
