export type { AuditSink } from '@sealwire/core';
