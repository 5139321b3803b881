export {
  createGateway,
  type GatewayListener,
  type GatewayManners,
  type GatewayOptions,
  gatewayListener,
} from './gateway.ts';
export { type NodeFetchOptions, nodeFetch } from './node-fetch.ts';
