// The server of express-json.bench.mjs: the same Express app twice in one process, plain and sealed, on two ports.
import { createServer } from 'node:http';
import { StaticKeys, sealwire } from '@sealwire/express';
import express from 'express';
import { answerParent } from './child.mjs';

async function listen(mount) {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const app = express();
  mount?.(app, port);
  app.use(express.json());
  app.post('/echo', (req, res) => {
    res.json(req.body);
  });
  server.on('request', app);
  return port;
}

// The suite of the handshake makes no difference to what is measured.
const keys = await StaticKeys.generate(['X25519']);
const ports = {
  plain: await listen(),
  sealed: await listen((app, port) => app.use(sealwire({ keys, origins: [`http://127.0.0.1:${port}`] }))),
};

answerParent({
  ports: () => ({ ...ports, pins: keys.pins }),
  /** What this process has computed so far, in microseconds. */
  cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  /** Leaves no garbage of one round to the next. */
  collect: () => globalThis.gc(),
});
