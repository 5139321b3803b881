// The threads of worker.ts where nothing is compiled: what runs TypeScript for a process does not for its threads.
import { register } from 'tsx/esm/api';

register();
await import('../src/worker.ts');
