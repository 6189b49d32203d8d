import type { Tracer as OpenTelemetryTracer, Span, SpanContext } from '@opentelemetry/api'
import type { Logger } from 'pino'
import { type SpanAttributes, type SpanOptions, type Tracer, traceWith } from '../spans.ts'

/** As OpenTelemetry numbers them. */
const KINDS = { server: 1, client: 2 } as const
const FAILED = { code: 2 } as const

/**
 * Makes spans and sends them to `url` (OTLP over HTTP, as JSON), in batches, beside what they are of. Which of them, for whose
 * service and with what headers is set by OpenTelemetry's own variables, which its SDK reads. Loaded only when it is on, as loading it
 * takes a third of a second.
 *
 * @returns what sends the rest and ends it.
 */
export async function startTracing(url: string, logger: Logger): Promise<() => Promise<void>> {
  const [api, { BatchSpanProcessor, NodeTracerProvider }, { OTLPTraceExporter }, resources] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ])
  api.diag.setLogger(
    {
      error: (message) => logger.warn({ reason: message }, 'spans could not be sent'),
      warn: (message) => logger.warn({ reason: message }, 'OpenTelemetry'),
      info: () => {},
      debug: () => {},
      verbose: () => {},
    },
    { logLevel: api.DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
  const provider = new NodeTracerProvider({
    resource: resources
      .resourceFromAttributes({ 'service.name': 'arc' })
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))],
  })
  provider.register()
  traceWith(tracerOf(api, provider.getTracer('arc')))
  return async () => {
    traceWith(undefined)
    api.trace.disable()
    api.context.disable()
    api.propagation.disable()
    await provider
      .shutdown()
      .catch(({ message }: Error) => logger.warn({ reason: message }, 'spans could not be sent'))
    api.diag.disable()
  }
}

function tracerOf(
  { context, propagation, ROOT_CONTEXT, trace }: typeof import('@opentelemetry/api'),
  tracer: OpenTelemetryTracer,
): Tracer {
  const around = ({ headers, links }: SpanOptions) => {
    if (links) return ROOT_CONTEXT
    return headers ? propagation.extract(context.active(), headers) : context.active()
  }
  const started = (name: string, spanOptions: SpanOptions) => {
    const { kind, attributes, links = [] } = spanOptions
    const parent = around(spanOptions)
    const options = {
      ...(kind && { kind: KINDS[kind] }),
      attributes: withoutGaps(attributes),
      links: links.map((link) => ({ context: link as SpanContext })),
    }
    const span = tracer.startSpan(name, options, parent)
    return { span, inside: trace.setSpan(parent, span) }
  }
  return {
    within: (name, options, work) => {
      const { span, inside } = started(name, options)
      return context.with(inside, () => endingWith(span, () => work((attributes) => note(span, attributes))))
    },
    begin: (name, options) => {
      const { span } = started(name, options)
      return (error) => end(span, error)
    },
    now: () => trace.getActiveSpan()?.spanContext(),
  }
}

/** The span ends when the work does, whether it is done at once or is a promise. */
function endingWith<Result>(span: Span, work: () => Result): Result {
  try {
    const result = work()
    if (!(result instanceof Promise)) {
      span.end()
      return result
    }
    result.then(
      () => span.end(),
      (error) => end(span, error),
    )
    return result
  } catch (error) {
    end(span, error)
    throw error
  }
}

/** `error.type` is all that is known of one in many places to hold nothing of a row. */
function note(span: Span, attributes: SpanAttributes): void {
  span.setAttributes(withoutGaps(attributes))
  if (attributes['error.type'] !== undefined) span.setStatus(FAILED)
}

function end(span: Span, error?: unknown): void {
  if (error !== undefined) note(span, { 'error.type': typeOf(error) })
  span.end()
}

/** Its code (PostgreSQL's, Node's, Arc's), else its class: words may repeat values. */
function typeOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown }
  return String(code ?? name ?? 'Error')
}

function withoutGaps(attributes: SpanAttributes = {}): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(attributes).filter((entry): entry is [string, string | number] => entry[1] !== undefined),
  )
}
