// Runs an app of notes: keys, page, port, TLS, and an end as soon as it is asked to.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { developmentCertificate } from './certificate.mjs';
import { openKeys } from './keys.mjs';
import { createListener } from './listener.mjs';
import { createPage } from './page.mjs';

/**
 * Serves until the process is asked to end.
 * @param listenerOf makes a listener for Node's server from `{ keys, origins }`
 * @param {object} options
 * @param options.http2 whether the listener takes requests of HTTP/2, too; browsers speak it over TLS only
 */
export async function serveNotes(listenerOf, { http2 }) {
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const { tls } = readArguments();
  const port = readPort(process.env.PORT);

  const keys = await openKeys();
  const [pin] = keys.pins;
  const sendPage = await createPage({ pin });
  const certificate = tls
    ? await developmentCertificate(fileURLToPath(new URL('.dev-cert', import.meta.url)))
    : undefined;
  const server = certificate ? createSecure(certificate, http2) : createServer();

  // This machine only: it is a demonstration.
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch((error) => explain(error, port));

  const scheme = tls ? 'https' : 'http';
  const { port: actualPort } = server.address();
  const origin = `${scheme}://localhost:${actualPort}`;
  const origins = [origin, `${scheme}://127.0.0.1:${actualPort}`];
  server.on('request', createListener(listenerOf, { keys, origins, sendPage }));

  const aboutCertificate = certificate
    ? `
  The certificate was made on this machine, so the browser will warn once: choose "Advanced", then
  "Proceed to localhost". Or let it trust ${certificate.certFile}
`
    : '';
  console.log(`
  Sealed notes are ready.

  open  ${origin}
  pin   ${pin}
  end   Ctrl-C
${aboutCertificate}`);
}

/** A server over TLS; clients that do not speak HTTP/2 get HTTP/1.1 from the same port. */
function createSecure(certificate, http2) {
  return http2 ? createSecureServer({ ...certificate, allowHTTP1: true }) : createTlsServer(certificate);
}

/** Feeds are open for as long as their pages are: nobody waits for them. */
function stop() {
  process.exit(0);
}

function readArguments() {
  try {
    return parseArgs({ options: { tls: { type: 'boolean', default: false } } }).values;
  } catch (error) {
    fail(`${error.message}\nUsage: node server.mjs [--tls]      PORT=3000 is the default port.`);
  }
}

function readPort(text) {
  if (text === undefined || text === '') return 3000;
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return Number(text);
  fail(`PORT is ${JSON.stringify(text)}; a port is a number from 0 to 65535.`);
}

function explain(error, port) {
  if (error.code === 'EADDRINUSE') {
    const other = port === 3000 ? 3001 : 3000;
    fail(`Port ${port} is taken by another program. End that, or choose another port: PORT=${other}`);
  }
  if (error.code === 'EACCES')
    fail(`This user may not listen on port ${port}. Choose one above 1023: PORT=3000`);
  throw error;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
