import type pg from 'pg'
import { beginSpan, isTracing } from '../spans.ts'
import { RawRowsClient } from './rawRows.ts'
import { statementLabel } from './statementLabel.ts'

/** Whatever pg takes for one query: a text, one with values, or several that leave together (readPacket.ts). */
type Asked = string | { text?: string; statements?: readonly { text: string }[]; callback?: Callback }
type Callback = (error: Error | null | undefined, ...more: unknown[]) => void
type Ask = (...asked: unknown[]) => unknown

/** A client whose statements are spans, where tracing is on; those that leave together are one. */
export class TracedClient extends RawRowsClient {
  constructor(config?: string | pg.ClientConfig) {
    super(config)
    const ask: Ask = (...asked) => (super.query as Ask).apply(this, asked)
    this.query = ((...asked: unknown[]) => (isTracing() ? askTraced(ask, asked) : ask(...asked))) as Ask &
      typeof this.query
  }
}

function askTraced(ask: Ask, asked: unknown[]): unknown {
  const [query] = asked as [Asked]
  const texts = textsOf(query)
  const labels = new Set(texts.map(statementLabel).filter((label) => label !== undefined))
  if (labels.size === 0) return ask(...asked)
  const label = [...labels].join(', ')
  const end = beginSpan(label, {
    kind: 'client',
    attributes: {
      'db.system.name': 'postgresql',
      'db.query.summary': label,
      'db.operation.batch.size': texts.length > 1 ? texts.length : undefined,
    },
  })!
  const at = asked.findIndex((one) => typeof one === 'function')
  if (at >= 0) asked[at] = endingAt(end, asked[at] as Callback)
  else if (typeof query === 'object' && query.callback) query.callback = endingAt(end, query.callback)
  const answer = ask(...asked)
  if (answer instanceof Promise)
    answer.then(
      () => end(),
      (error) => end(error),
    )
  return answer
}

function endingAt(end: (error?: unknown) => void, callback: Callback): Callback {
  return (error, ...more) => {
    end(error ?? undefined)
    callback(error, ...more)
  }
}

function textsOf(query: Asked): string[] {
  if (typeof query === 'string') return [query]
  return query.statements?.map(({ text }) => text) ?? [query.text ?? '']
}
