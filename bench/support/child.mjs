// Questions to a child process and answers from it, so that the clock of a round runs in one place.
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/**
 * Starts a file of this folder in a process of its own, on one core where the system can do that (`taskset`).
 * @returns `ask(name, question)`, which resolves to what the child's handler of that name returned, `pinned`, `stop()`
 */
export function startChild(file, core) {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = fork(path, {
    execArgv: [...process.execArgv, '--expose-gc'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  // All threads: those of the garbage collector would otherwise compute on the other process's core.
  const pinned = spawnSync('taskset', ['-a', '-c', '-p', String(core), String(child.pid)]).status === 0;
  let settle;
  child.on('message', (reply) => {
    if ('error' in reply) settle?.reject(new Error(`${file}: ${reply.error}`));
    else settle?.resolve(reply.answer);
  });
  child.on('exit', (code) => settle?.reject(new Error(`${file} ended with code ${code}`)));
  return {
    pinned,
    ask(name, question) {
      child.send({ name, question });
      return new Promise((resolve, reject) => {
        settle = { resolve, reject };
      });
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

/** The child's side: handlers by name. The process ends when its parent lets go of it. */
export function answerParent(handlers) {
  process.on('message', async ({ name, question }) => {
    try {
      process.send({ answer: await handlers[name](question) });
    } catch (error) {
      process.send({ error: error.stack });
    }
  });
  process.on('disconnect', () => process.exit(0));
}
