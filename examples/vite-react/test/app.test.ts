// The app as Vite builds it and as `npm run dev` serves it, in a real Chromium, used as a person uses it.
import { StaticKeys } from '@sealwire/express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deferred } from '../../../test/support/cases.ts';
import { inChromium } from '../../../test/support/playwright.ts';
import { buildPage, startDevelopment, startOrders } from './support/orders-page.ts';

test.before(buildPage);

inChromium('what is typed is an order, and nothing of it is on the wire', async () => {
  const { open, wire } = await startOrders();
  const { tab, complaints, order, shows } = await open();
  await tab.getByText('Nothing ordered yet.').waitFor();
  await order('gooseberry tart');
  await shows('gooseberry tart');
  await order('<b>rhubarb</b>');
  await shows('<b>rhubarb</b>', 'gooseberry tart');

  // The tap did see the exchanges, and the page itself.
  assert.match(wire(), 'PUT /api/orders/');
  assert.match(wire(), 'Sealed orders');
  for (const word of ['gooseberry', 'rhubarb']) assert.not.match(wire(), word);
  assert.equal(complaints, []);
});

inChromium('an order is shown before the server has answered, and marked until it has', async () => {
  const { context, open } = await startOrders();
  const { tab, order, shows } = await open();
  const answering = deferred();
  await context.route('**/api/orders/*', async (route) => {
    await answering.promise;
    await route.continue();
  });
  await order('tea');
  await tab.locator('li.sending', { hasText: 'tea' }).waitFor();
  await shows();
  answering.resolve();
  await shows('tea');
});

inChromium('an order that the server refuses is taken back, with what the server said of it', async () => {
  const { open } = await startOrders();
  const { tab, order, shows } = await open();
  await order('tea');
  await shows('tea');
  await order('x'.repeat(61));
  await tab.getByRole('alert').getByText('An order has 1 to 60 characters.').waitFor();
  await shows('tea');
  assert.is(await tab.locator('li').count(), 1);
});

inChromium('an order that is deleted goes from every page', async () => {
  const { open } = await startOrders();
  const [first, second] = [await open(), await open()];
  await first.order('tea');
  await second.shows('tea');
  await second.tab.getByRole('button', { name: 'Delete tea' }).click();
  await first.tab.getByText('Nothing ordered yet.').waitFor();
  assert.equal([...first.complaints, ...second.complaints], []);
});

inChromium('a server other than the pinned one gets no order, and the page says why', async () => {
  const { open } = await startOrders(await StaticKeys.generate(['X25519']));
  const { tab } = await open();
  await tab.getByRole('alert').waitFor();
  const problem = await tab.getByRole('alert').textContent();
  assert.match(problem as string, 'not signed by a pinned identity');
});

inChromium('a server that cannot be reached is said to be, until it can', async () => {
  const { context, open } = await startOrders();
  await context.route('**/api/orders', (route) => route.abort());
  const { tab, order, shows } = await open();
  await tab.getByRole('alert').getByText('The server cannot be reached.').waitFor();
  await context.unroute('**/api/orders');
  await tab.getByText('Nothing ordered yet.').waitFor();
  assert.is(await tab.getByRole('alert').count(), 0);
  await order('tea');
  await shows('tea');
});

inChromium('in development the same page works through the proxy of Vite', async () => {
  const { open } = await startDevelopment();
  const { complaints, order, shows } = await open();
  await order('tea');
  await shows('tea');
  assert.equal(complaints, []);
});

test.run();
