import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { developmentCertificate } from '../../examples/notes-shared/certificate.mjs';

const folder = await mkdtemp(join(tmpdir(), 'sealwire-'));

/** A certificate for this machine that nobody signed but itself. */
export const certificate = await developmentCertificate(folder);
await rm(folder, { recursive: true });
