// `npm start`: installs, builds, and runs the main example; `npm run start:koa`: its twin.
import { spawn } from 'node:child_process';
import { build, install, root } from './bootstrap.mjs';

const args = process.argv.slice(2);
const folder = args[0] === 'koa' ? 'koa-notes' : 'express-notes';
if (folder === 'koa-notes') args.shift();

install();
build();
const example = spawn(process.execPath, [`${root}examples/${folder}/server.mjs`, ...args], {
  stdio: 'inherit',
});
// Ctrl-C goes to the whole group: the example ends by itself, and this process with it.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => example.kill('SIGTERM'));
// npm dies of a signal without passing it on, and then nobody else would end the example.
const { ppid } = process;
setInterval(() => process.ppid === ppid || example.kill('SIGTERM'), 1000).unref();
example.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 0) : 1));
