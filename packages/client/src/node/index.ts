export type { ClientKey } from '../client-key/client-key.ts';
export { type ClientKeyFileOptions, clientKeyFile } from './client-key-file.ts';
export {
  createGateway,
  type GatewayListener,
  type GatewayManners,
  type GatewayOptions,
  gatewayListener,
} from './gateway.ts';
export { type NodeFetchOptions, nodeFetch } from './node-fetch.ts';
