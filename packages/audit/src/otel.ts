import { type Attributes, type Meter, metrics, trace } from '@opentelemetry/api';
import type { AuditEvent, AuditSink } from '@sealwire/core';

/**
 * Counts events by type and reason (`sealwire.audit.events`), and adds each to the span that is active when it happens.
 * @param options.meter default: the global one named `@sealwire/audit`
 */
export function otelSink({ meter = metrics.getMeter('@sealwire/audit') }: { meter?: Meter } = {}): AuditSink {
  const counter = meter.createCounter('sealwire.audit.events', {
    description: 'Security events of Sealwire',
    unit: '{event}',
  });
  return {
    record(event) {
      const { type, reason, count } = counted(event);
      // Nothing else: who makes up kids and client keys must not make up time series.
      counter.add(count, { type, ...(reason !== undefined && { reason }) });
      trace.getActiveSpan()?.addEvent(`sealwire.${event.type}`, attributes(event), event.time);
    },
  };
}

/** What stands for several events counts as them. */
function counted(event: AuditEvent): { type: string; reason: string | undefined; count: number } {
  const { of = event.type, reason, count = 1 } = event as { of?: string; reason?: string; count?: number };
  return { type: of, reason, count };
}

function attributes({ type: _type, time: _time, ...about }: AuditEvent): Attributes {
  const known = Object.entries(about).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known.map(([name, value]) => [`sealwire.${name}`, value]));
}
