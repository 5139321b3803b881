// A small app as a process of its own: what it prints is what an operator would read. Options come in the environment.
import { inspect } from 'node:util';
import { isSealwireError, StaticKeys, sealwire } from '@sealwire/express';
import type { ErrorRequestHandler } from 'express';
import { frameworks } from './cases.ts';
import { listen } from './servers.ts';

const { TEST_EXPRESS, TEST_KEYS, TEST_OPTIONS = '{}' } = process.env;
const express = frameworks.find(({ name }) => name === TEST_EXPRESS)?.express ?? frameworks[1]?.express;
if (express === undefined) throw new Error('no Express');

const app = express();
try {
  const keys = TEST_KEYS === undefined ? undefined : await StaticKeys.import(TEST_KEYS);
  app.use(sealwire({ ...JSON.parse(TEST_OPTIONS), ...(keys && { keys }) }));
} catch (error) {
  if (!isSealwireError(error)) throw error;
  console.log(`${error.code} ${error.message}`);
  process.exit(1);
}
app.use(express.json());
app.post('/logged', (req, res) => {
  console.log(req.sealed, inspect(req.sealed, { depth: Number.POSITIVE_INFINITY, showHidden: true }));
  console.log(JSON.stringify({ sealed: req.sealed }), `${req.sealed}`);
  res.json('logged');
});
app.post('/throws', () => {
  throw new Error('a handler that throws');
});
app.post('/piped', (req, res) => {
  req.on('data', () => {}).on('end', () => res.end());
  req.on('error', (error) => {
    console.error('the stream failed:', error);
    res.status(400).end();
  });
});
const onError: ErrorRequestHandler = (error, _req, _res, next) => {
  console.error('an error handler sees:', error);
  next(error);
};
app.use(onError);

const { origin } = await listen(app);
console.log(origin);
