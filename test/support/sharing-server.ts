// A server as a process of its own, with the keys of a directory that others share. It does not rotate them.
import { KeyRing, openKeyDirectory } from '@sealwire/keys';
import express from 'express';
import { sleep } from './cases.ts';
import { isSecret, secretStorage } from './recording.ts';
import { startSealed } from './servers.ts';

const { KEYS_FOLDER = '', KEYS_PASSPHRASE = '', ROTATION = '{}', ORIGINS = '[]', PORT } = process.env;
isSecret(KEYS_PASSPHRASE);
const storage = secretStorage(await openKeyDirectory(KEYS_FOLDER, { passphrase: KEYS_PASSPHRASE }));
const keys = await KeyRing.open(storage, { rotation: JSON.parse(ROTATION) });

/** How often each order was executed. */
const executed: Record<string, number> = {};

const server = await startSealed(
  express,
  (app) => {
    app.use(express.text());
    app.post('/orders', async (req, res) => {
      const id = req.get('idempotency-key') as string;
      executed[id] = (executed[id] ?? 0) + 1;
      // For longer than a command takes on a machine that has much else to do.
      if (req.query.slowly !== undefined) await sleep(25_000);
      res.status(201).send(`${req.sealed?.kid} ${req.body}`);
    });
    app.get('/feed', (_req, res) => {
      res.write('begun');
    });
  },
  {
    keys,
    origins: JSON.parse(ORIGINS),
    port: Number(PORT),
    before: (app) => app.get('/executed', (_req, res) => void res.json(executed)),
  },
);
// So that what this process knows of secrets is written down.
process.once('SIGTERM', () => process.exit());
console.log(server.origin);
