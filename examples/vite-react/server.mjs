// Runs the app: node server.mjs, after `npm run build`.
import { fileURLToPath } from 'node:url';
import { StaticKeys } from '@sealwire/express';
import { createOrdersApp } from './app.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

try {
  process.loadEnvFile(here('.env.local'));
} catch {
  console.error('There is no page and there are no keys yet: npm run build');
  process.exit(1);
}
const keys = await StaticKeys.import(process.env.ORDERS_KEYS);
// Where pages come from: this server, or the one of `npm run dev`.
const origins = ['http://localhost:3000', 'http://localhost:5173'];
const app = createOrdersApp({ keys, origins, page: here('dist') });

// This machine only: it is a demonstration.
app.listen(3000, 'localhost', (error) => {
  if (error) throw error;
  console.log('Sealed orders are ready: http://localhost:3000');
});
