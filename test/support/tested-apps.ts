// Tests of an app in a process of their own, which is to end by itself: TEST_CASE says which.
import { MemorySessionStore } from '@sealwire/core';
import { sealedAgent } from '@sealwire/testing';
import type { StackApp } from './stacks.ts';
import { stacks } from './stacks.ts';

const app: StackApp = {
  listener(req, res) {
    if (req.url === '/silent') res.on('close', () => process.stdout.write('closed\n'));
    else res.end('answered');
  },
};

const cases: Record<string, () => Promise<unknown>> = {
  async answered() {
    for (const agent of agents()) {
      await agent.get('/').expect(200, 'answered');
      await Promise.all([agent.get('/'), agent.get('/'), agent.post('/').send({ a: 1 })]);
    }
  },
  async failed() {
    for (const agent of agents())
      await agent
        .get('/')
        .expect(418)
        .catch(() => {});
  },
  async timedOut() {
    for (const agent of agents())
      await agent
        .get('/silent')
        .timeout(500)
        .catch(() => {});
  },
  async aborted() {
    for (const agent of agents()) {
      const request = agent.get('/silent');
      setTimeout(() => request.abort(), 500);
      await request.then(
        () => {},
        () => {},
      );
    }
  },
  async unused() {
    agents();
  },
};

function agents() {
  return stacks
    .filter(({ http2 }) => !http2)
    .map((stack) => sealedAgent(stack.listener(app, 'https://orders.example', new MemorySessionStore())));
}

await cases[process.env.TEST_CASE as string]?.();
console.log('passed');
