// The command as a user runs it: what it prints, the port it takes, and how it ends.
import { test } from 'uvu';
import { testCommand } from '../../notes-shared/test/support/command-cases.ts';

testCommand(new URL('../server.mjs', import.meta.url), 'h2');

test.run();
