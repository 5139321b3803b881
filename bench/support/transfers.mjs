// Bodies streamed between two processes, and what that takes of their memory and time.
import { startChild } from './child.mjs';

const mebibyte = 1024 * 1024;
export const frameworks = ['Express', 'Koa'];
export const directions = ['upload', 'download'];

/** Starts server and client. `stop()` ends both. */
export async function startTransfers() {
  const server = startChild('transfer-server.mjs', 0);
  const client = startChild('transfer-client.mjs', 1);
  const { origins, pin } = await server.ask('servers');
  return {
    /**
     * Transfers one body.
     * @param mebibytes its length
     * @returns MiB per second; of `server` and `client` by how many MiB the resident memory `grew` beyond its start,
     * and `cpu`, the microseconds that they computed for one MiB
     */
    async run({ framework, direction, sealed, mebibytes }) {
      const origin = origins[framework][sealed ? 'sealed' : 'plain'];
      await server.ask('watch');
      const length = mebibytes * mebibyte;
      const question = { origin, direction, length, ...(sealed && { pin }) };
      const ofClient = await client.ask('transfer', question);
      const ofServer = await server.ask('watched');
      return {
        speed: mebibytes / ofClient.seconds,
        server: costs(ofServer, mebibytes),
        client: costs(ofClient, mebibytes),
      };
    },
    stop: () => Promise.all([server.stop(), client.stop()]),
  };
}

function costs({ start, peak, cpu }, mebibytes) {
  return { grew: (peak - start) / mebibyte, cpu: cpu / mebibytes };
}
