import { type Logger, pino } from 'pino'
import { spanNow } from '../spans.ts'
import { shorten } from '../text.ts'

/** In characters: some libraries put into their words all that they were given. */
const MAX_WORDS = 2_000

/** What a log keeps of an error. Whatever else it carries may be a row, a statement's values or a whole client. */
const FACTS = ['code', 'severity', 'schema', 'table', 'column', 'constraint', 'routine'] as const

/** The server's log: a JSON object a line, on standard output. */
export function createLogger(level: string, destination?: { write(line: string): void }): Logger {
  const options = {
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: errorFacts },
    mixin: traceOf,
  }
  return destination ? pino(options, destination) : pino(options)
}

function traceOf(): object {
  const span = spanNow()
  return span ? { traceId: span.traceId, spanId: span.spanId } : {}
}

function errorFacts(error: unknown): unknown {
  if (!(error instanceof Error)) return shorten(String(error), MAX_WORDS)
  const known = error as unknown as Record<string, unknown>
  const facts = FACTS.filter((fact) => known[fact] !== undefined).map((fact) => [fact, known[fact]])
  return {
    type: error.name,
    message: shorten(error.message, MAX_WORDS),
    ...Object.fromEntries(facts),
    // Without the words, which a stack repeats.
    stack: error.stack?.split('\n').filter((line) => /^\s+at /.test(line)),
    ...(error.cause !== undefined && { cause: errorFacts(error.cause) }),
  }
}
