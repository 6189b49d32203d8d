import type { FieldMap } from '@pothos/core'
import type { TenantTransaction, Write, WriteOptions } from '../db/tenantTransaction.ts'
import { ERROR_CODES, type ErrorCode, type InputPath, Refusal } from '../refusal.ts'
import { builder } from './builder/builder.ts'

export const ErrorCodeEnum = builder.enumType('ErrorCode', {
  description:
    'All error codes: in payload errors, in receipts, and as `extensions.code` of top-level errors.',
  values: Object.fromEntries(
    Object.entries(ERROR_CODES).map(([code, description]) => [
      code,
      { value: code as ErrorCode, description },
    ]),
  ) as Record<ErrorCode, { value: ErrorCode; description: string }>,
})

/** An input path as GraphQL can say it: list indexes become text. */
export function pathAsText(path: InputPath): string[] {
  return path.map(String)
}

/** Not the Refusal itself: graphql-js throws an Error that it finds among the values. */
type Declined = Pick<Refusal, 'code' | 'message' | 'inputPath'>

const MutationError = builder.objectRef<Declined>('MutationError').implement({
  description: 'Why a mutation did nothing.',
  fields: (t) => ({
    code: t.expose('code', { type: ErrorCodeEnum, description: 'The reason, as a code.' }),
    message: t.exposeString('message', {
      description: 'The reason in words, with the value and any limit.',
    }),
    path: t.stringList({
      description:
        'The field of `input` at fault: names and list indexes, outermost first. Empty for the call as a whole.',
      resolve: ({ inputPath }) => pathAsText(inputPath),
    }),
  }),
})

/** What every mutation answers: its result, or the errors for which nothing was stored. */
export type Payload<Result> = { result: Result; errors: [] } | { result: null; errors: [Declined] }

type PayloadFields<Result> = PothosSchemaTypes.ObjectFieldBuilder<
  typeof builder.$inferSchemaTypes,
  Payload<Result>
>

/** The type of what a mutation answers: its own fields, and the errors that each payload has. */
export function payloadType<Result>(
  name: string,
  description: string,
  fields: (t: PayloadFields<Result>) => FieldMap,
) {
  return builder.objectRef<Payload<Result>>(name).implement({
    description,
    fields: (t) => ({
      ...fields(t),
      errors: t.field({
        type: [MutationError],
        description: 'Why the call did nothing; empty on success.',
        resolve: ({ errors }) => errors,
      }),
    }),
  })
}

/**
 * Runs a mutation; a refusal becomes the payload's error, anything else stays an exception. So does UNAVAILABLE: it is
 * about no value of the call, and as the answer's own error it has a time to come back at, in HTTP's words too.
 */
export async function payloadOf<Result>(work: () => Promise<Result>): Promise<Payload<Result>> {
  try {
    return { result: await work(), errors: [] }
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'UNAVAILABLE') throw error
    const { code, message, inputPath } = error
    return { result: null, errors: [{ code, message, inputPath }] }
  }
}

/** Runs a mutation that answers no more than what it was asked to act on. */
export function payloadOfStep<Result>(
  write: Write,
  result: Result,
  step: (transaction: TenantTransaction) => Promise<void>,
  options?: WriteOptions,
): Promise<Payload<Result>> {
  return payloadOf(async () => {
    await write(step, options)
    return result
  })
}

export const AmendmentStatus = builder.enumType('AmendmentStatus', {
  description: 'The result of one amendment of a call.',
  values: {
    AMENDED: { value: 'AMENDED', description: 'The outcome was changed.' },
    UNCHANGED: {
      value: 'UNCHANGED',
      description:
        'The outcome is stored exactly so, or with more steps of a trajectory that grows; nothing was written.',
    },
    REJECTED: {
      value: 'REJECTED',
      description: 'It cannot be applied; see code, reason and path. Other amendments are not affected.',
    },
  } as const,
})

export const ReceiptStatus = builder.enumType('ReceiptStatus', {
  description: 'The result of one row of a call.',
  values: {
    STORED: { value: 'STORED', description: 'It was stored, new or changed.' },
    DUPLICATE: { value: 'DUPLICATE', description: 'It was already stored; nothing was written.' },
    REJECTED: {
      value: 'REJECTED',
      description: 'It cannot be stored; see code, reason and path. Other rows are not affected.',
    },
  } as const,
})
