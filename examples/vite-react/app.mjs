// The server's side: the built page in front of sealwire(), the orders behind it.
import { sealwire } from '@sealwire/express';
import express from 'express';

/** Nothing from elsewhere, nothing inline, nothing evaluated. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/**
 * @param {object} options
 * @param options.keys the server's keys
 * @param options.origins the origins that browsers call
 * @param options.page the folder that `vite build` wrote
 */
export function createOrdersApp({ keys, origins, page }) {
  const orders = new Map();
  const app = express();
  app.disable('x-powered-by');

  // The page is public and cannot be sealed: what opens seals is in it.
  const setHeaders = (res) => res.setHeader('Content-Security-Policy', contentSecurityPolicy);
  app.use(express.static(page, { setHeaders }));

  app.use(sealwire({ keys, origins }));
  app.use(express.json());

  app.get('/api/orders', (_req, res) => {
    res.json([...orders.values()].reverse());
  });

  // The page chooses the id, so that it may send an order again without ordering twice.
  app.put('/api/orders/:id', (req, res) => {
    const item = req.body?.item;
    if (typeof item !== 'string' || item === '' || item.length > 60) {
      res.status(422).json({ error: 'An order has 1 to 60 characters.' });
      return;
    }
    const order = { id: req.params.id, item };
    orders.set(order.id, order);
    res.json(order);
  });

  app.delete('/api/orders/:id', (req, res) => {
    orders.delete(req.params.id);
    res.status(204).end();
  });

  return app;
}
