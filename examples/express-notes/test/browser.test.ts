// The page in a real Chromium, used as a person uses it, with the Express app.
import { test } from 'uvu';
import { testPage } from '../../notes-shared/test/support/browser-cases.ts';
import { createNotesApp } from '../app.mjs';

testPage(createNotesApp);

test.run();
