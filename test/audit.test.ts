// Every handshake and every refusal is on record, once, with its reason, and without a secret in it.
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import {
  type AuditSink,
  beginHandshake,
  defaultHandshakePath,
  type ErrorCode,
  generateSigner,
  handshakeType,
  isSealwireError,
  MemorySessionStore,
  SealwireError,
  StaticKeys,
  thumbprint,
} from '@sealwire/core';
import { sealwire } from '@sealwire/express';
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertNothingOf, secretsOf } from './support/secrets.ts';
