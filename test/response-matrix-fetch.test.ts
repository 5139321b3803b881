// The matrix of responses as fetch gives them: redirects in every mode, cookies, aborts, slow readers.
import type { ServerResponse } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { SealedRequestInit } from '@sealwire/client';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { deferred, it, sleep, within } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { recordResult } from './support/compatibility.ts';
import { nodeHttp, type Stack, stacks, startStack } from './support/stacks.ts';

type Fetch = (path: string, init?: SealedRequestInit) => Promise<Response>;
type Handler = (res: ServerResponse, path: string, method: string) => unknown;

/** The same handler behind fetch and behind a sealed fetch. */
async function twins(stack: Stack, handler: Handler): Promise<Fetch[]> {
  const listener = (path: string, method: string, res: ServerResponse) => handler(res, path, method);
  const start = (sealed: boolean) =>
    startStack(
      stack,
      { listener: (req, res) => listener(req.url as string, req.method as string, res) },
      { sealed },
    );
  const [plain, sealed] = await Promise.all([start(false), start(true)]);
  const sealedFetch = clientOf(sealed);
  return [(path, init) => fetch(plain.origin + path, init as RequestInit), sealedFetch];
}

/** What fetch says of an answer, or the kind of its error. */
async function told(fetch: Fetch, path: string, init: SealedRequestInit): Promise<unknown[]> {
  try {
    const response = await fetch(path, init);
    const { status, ok, redirected, type, url } = response;
    return [
      status,
      ok,
      redirected,
      type,
      url && new URL(url).pathname,
      await response.text(),
      response.headers.get('location'),
    ];
  } catch (error) {
    return [(error as Error).name];
  }
}

async function same(
  theme: string,
  stack: Stack,
  fetches: Fetch[],
  path: string,
  init: () => SealedRequestInit,
) {
  const [plain, sealed] = await Promise.all(fetches.map((fetch) => told(fetch, path, init())));
  const agreed = JSON.stringify(plain) === JSON.stringify(sealed);
  recordResult('responses', theme, stack.name, agreed);
  assert.equal(sealed, plain, `${path} ${JSON.stringify(init())}`);
}

const http1Stacks = [nodeHttp, ...stacks].filter(({ http2 }) => !http2);

for (const stack of http1Stacks) {
  it(`redirects are followed, handed out or refused (${stack.name})`, async () => {
    const fetches = await twins(stack, (res, path, method) => {
      const [, status, to] = path.split('/');
      if (status === 'end') res.end(`${method} arrived`);
      else if (to === 'loop') res.writeHead(Number(status), { location: path }).end();
      else if (to === 'nowhere') res.writeHead(Number(status)).end('stays');
      else if (to === 'relative') res.writeHead(Number(status), { location: '../end/x?a=1#part' }).end();
      else res.writeHead(Number(status), { location: `/end/${to}` }).end('moved');
    });
    for (const status of [301, 302, 303, 307, 308, 300, 304]) {
      for (const to of ['there', 'relative', 'nowhere']) {
        for (const redirect of ['follow', 'error'] as const) {
          for (const method of ['GET', 'HEAD', 'POST', 'DELETE']) {
            const body = method === 'POST' ? { body: 'form' } : {};
            await same('redirect', stack, fetches, `/${status}/${to}`, () => ({ redirect, method, ...body }));
          }
        }
      }
    }
    await same('redirect', stack, fetches, '/302/loop', () => ({}));
    // What fetch hides of a redirect that is not followed, a browser's and Node's do differently; status and place stay.
    for (const status of [301, 302, 303, 307, 308]) {
      await same('redirect', stack, fetches, `/${status}/there`, () => ({ redirect: 'manual' }));
    }
  });

  it(`cookies come outside, each by itself (${stack.name})`, async () => {
    const fetches = await twins(stack, (res) => {
      res.setHeader('set-cookie', ['a=1; Path=/', 'b=2; HttpOnly']);
      res.end('baked');
    });
    const [plain, sealed] = await Promise.all(fetches.map((fetch) => fetch('/')));
    const outer = (sealed as Response & { sealed: { outer: Headers } }).sealed.outer;
    const cookies = [plain?.headers.getSetCookie(), outer.getSetCookie()];
    recordResult('responses', 'cookies', stack.name, isDeepStrictEqual(...(cookies as [unknown, unknown])));
    assert.equal(cookies[1], cookies[0]);
    for (const response of [plain, sealed]) assert.is(await response?.text(), 'baked');
  });

  it(`a client that aborts is noticed as in plain (${stack.name})`, async () => {
    for (const when of ['before the head', 'after the first bytes'] as const) {
      const logs: string[][] = [];
      const over = [deferred(), deferred()];
      const fetches = await twins(stack, (res) => {
        const log: string[] = [];
        const { resolve } = over[logs.push(log) - 1] as { resolve(): void };
        for (const event of ['finish', 'close', 'error']) res.on(event, () => log.push(event));
        res.on('close', () => {
          log.push(`${res.writableFinished} ${res.destroyed}`);
          resolve();
        });
        if (when === 'after the first bytes') res.write('first');
      });
      const errors: unknown[] = [];
      for (const fetch of fetches) {
        const controller = new AbortController();
        const answer = fetch('/', { signal: controller.signal });
        const read = when === 'before the head' ? answer : answer.then((response) => response.text());
        const failed = read.then(
          () => 'no error',
          (error: Error) => error.name,
        );
        while (logs.length === errors.length) await sleep(2);
        await sleep(20);
        controller.abort();
        errors.push(await within(failed, 'the end of the call'));
      }
      await within(Promise.all(over.map(({ promise }) => promise)), 'close of both responses');
      const agreed = errors[0] === errors[1] && JSON.stringify(logs[0]) === JSON.stringify(logs[1]);
      recordResult('responses', 'client abort', stack.name, agreed);
      assert.equal(errors, ['AbortError', 'AbortError']);
      assert.equal(logs[1], logs[0], when);
    }
  });

  it(`a slow reader makes the handler wait, and gets everything (${stack.name})`, async () => {
    const size = 100_000;
    const written: number[] = [0, 0];
    let started = 0;
    const fetches = await twins(stack, (res) => {
      const which = started++;
      let drains = 0;
      const more = () => {
        while ((written[which] as number) < 200) {
          (written[which] as number)++;
          if (!res.write(pattern(size))) {
            res.once('drain', more);
            drains++;
            return;
          }
        }
        res.end(`waited ${drains > 0}`);
      };
      more();
    });
    const bodies: string[] = [];
    for (const [which, fetch] of fetches.entries()) {
      const response = await fetch('/');
      await sleep(150);
      // Buffers of two sockets and a fetch, not the 20 MB of the body.
      assert.ok((written[which] as number) < 150, `${written[which]} of 200 pieces were taken`);
      const bytes = Buffer.from(await within(response.arrayBuffer(), 'the whole body', 10_000));
      bodies.push(`${bytes.length} ${bytes.subarray(200 * size).toString()}`);
    }
    recordResult('responses', 'slow reader', stack.name, bodies[0] === bodies[1]);
    assert.equal(bodies, [`${200 * size + 11} waited true`, `${200 * size + 11} waited true`]);
  });
}

test.run();
