import type { Computation, ComputedPart, Source } from '../../reads/answers/parts.ts'
import type { OperationReads } from '../../reads/operationReads.ts'
import { readSource } from '../../reads/sources.ts'
import type { Context } from './context.ts'
import type { PlannedField } from './fieldRead.ts'

/** What is computed once a statement has been read, by what the operation's resolvers know as well. */
export function computation(
  values: (places: readonly string[], source: string, context: Context) => Promise<readonly unknown[]>,
  source?: Source,
): Computation {
  return {
    ...(source && { source }),
    values: (places, read, operation) => values(places, read, operation as Context),
  }
}

interface ComputedField<Args, Value> {
  cost: number
  /** What it is computed of. @throws Refusal for arguments that it does not take */
  source(args: Args): Source
  /** Its value. Ids among the arguments are not those that were asked for: `read` has to tell them. */
  value(read: string, args: Args): Promise<Value>
}

/** A field of the root that is computed of what one source reads: in the statement of its operation, and by its resolver. */
export function computedField<Args, Value>({ cost, source, value }: ComputedField<Args, Value>) {
  return {
    extensions: {
      cost,
      read: ({ args, writer }: PlannedField<Args>): ComputedPart => ({
        is: 'computed',
        of: computation(async (_, read) => [await value(read, args)], source(args)),
        json: writer(),
      }),
    },
    resolve: async (_: unknown, args: Args, { reads }: { reads: OperationReads }): Promise<Value> =>
      value(await readSource(reads, source(args)), args),
  }
}
