import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { sleep, within } from './cases.ts';
import { afterwards } from './resources.ts';

// A real nginx in front of the servers of a test: https://nginx.org/en/docs/

/** Path of the machine's nginx; undefined if it has none. Debian keeps it where only root looks. */
export function findNginx(): string | undefined {
  const { PATH = '' } = process.env;
  return [...PATH.split(delimiter), '/usr/sbin', '/usr/local/sbin']
    .map((folder) => join(folder, 'nginx'))
    .find((path) => existsSync(path));
}

/** What stands in the two blocks of an nginx configuration that a test is about. */
export interface NginxBlocks {
  readonly server: string;
  readonly http?: string;
}

export interface Nginx {
  readonly port: number;
  readonly origin: string;
  /** Starts it; it ends after the test. The folder is where its cache may lie. */
  start(blocks: (folder: string) => NginxBlocks): Promise<void>;
}

/** Chooses a port, so that servers behind it can be told the origin before nginx is told where they are. */
export async function planNginx(): Promise<Nginx> {
  const port = await freePort();
  return { port, origin: `http://127.0.0.1:${port}`, start: (blocks) => start(port, blocks) };
}

/** One process that needs no privileges and writes nowhere but into a folder of its own. */
async function start(port: number, blocks: (folder: string) => NginxBlocks): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sealwire-nginx-'));
  writeFileSync(join(folder, 'nginx.conf'), configuration(port, folder, blocks(folder)));
  const child = spawn(
    findNginx() as string,
    ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr', '-g', 'daemon off;'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  let ended = false;
  child.stderr.on('data', (chunk) => {
    log += chunk;
  });
  const closed = once(child, 'close').then(() => {
    ended = true;
  });
  afterwards(async () => {
    child.kill('SIGTERM');
    await within(closed, 'the end of nginx').catch(() => child.kill('SIGKILL'));
    rmSync(folder, { recursive: true, force: true });
  });
  while (!(await listens(port))) {
    if (ended) throw new Error(`nginx does not start: ${log}`);
    await sleep(10);
  }
}

function configuration(port: number, folder: string, { server, http = '' }: NginxBlocks): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
    master_process off;
    pid ${folder}/nginx.pid;
    events {}
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')}
      ${http}
      server {
        listen 127.0.0.1:${port};
        ${server}
      }
    }`;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
