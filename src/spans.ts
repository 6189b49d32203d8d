/** What a span says of its work: names, codes and counts, never what a client or a row says. */
export type SpanAttributes = Readonly<Record<string, string | number | undefined>>

export interface SpanOptions {
  attributes?: SpanAttributes
  /** `server`: somebody else's request; `client`: work that the database does. */
  kind?: 'server' | 'client'
  /** Of a request: who asks may say, as W3C has it, what the span is part of. */
  headers?: Readonly<Record<string, string | string[] | undefined>>
  /** Of work for several: whose it is. Then it is part of none of them, as the first may have ended long ago. */
  links?: readonly SpanLink[]
}

/** A span as others refer to it; only the tracer looks into it. */
export type SpanLink = { readonly spanId: string; readonly traceId: string }

/** Adds to what the span says, once that is known. */
export type Note = (attributes: SpanAttributes) => void

/** What makes spans: see observe/tracing.ts. */
export interface Tracer {
  within<Result>(name: string, options: SpanOptions, work: (note: Note) => Result): Result
  begin(name: string, options: SpanOptions): (error?: unknown) => void
  now(): SpanLink | undefined
}

/** One for the process, as OpenTelemetry has it: what is part of what follows from the flow of calls, across all parts. */
let tracer: Tracer | undefined

/** From now on spans are made, or none any more. */
export function traceWith(next: Tracer | undefined): void {
  tracer = next
}

function ignore(): void {}

/** Does the work; where tracing is on, as a span, in which all lies that the work begins. */
export function inSpan<Result>(name: string, options: SpanOptions, work: (note: Note) => Result): Result {
  return tracer ? tracer.within(name, options, work) : work(ignore)
}

/** Begins a span whose end comes by a callback; undefined where tracing is off. */
export function beginSpan(name: string, options: SpanOptions): ((error?: unknown) => void) | undefined {
  return tracer?.begin(name, options)
}

/** The span that the work at hand is part of. */
export function spanNow(): SpanLink | undefined {
  return tracer?.now()
}

export function isTracing(): boolean {
  return tracer !== undefined
}
