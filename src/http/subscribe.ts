import { setImmediate } from 'node:timers/promises'
import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  getOperationAST,
  print,
} from 'graphql'
import type { Context } from '../graphql/builder/context.ts'
import type { OutcomeCode } from '../observe/endedOperation.ts'
import { type Stream, stream } from '../stream.ts'
import { codeOf, type Execute, presentable } from './execution.ts'
import type { TenantShare } from './limits/tenantShare.ts'
import type { Holding } from './limits/tenantSlots.ts'
import type { TenantTurns } from './limits/tenantTurns.ts'

export type Subscribe = (
  args: ExecutionArgs,
) => Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult>

/**
 * What runs a subscription: each of its events is an operation of its own, with reads of its own. A tenant has so many of
 * them, and so many events at a time, on whatever transport.
 */
export function createSubscribe(share: TenantShare, execute: Execute): Subscribe {
  return async (args) => {
    const context = args.contextValue as Context
    const { tenantId } = context.viewer
    let leave = () => {}
    try {
      leave = share.subscriptions.take(tenantId)
      // Before the stream is opened: what throws behind it would leave it open, with nobody to end it.
      const show = showing(args, share.events, execute)
      const hand = handing(share, tenantId)
      const events = await createSourceEventStream(args)
      if (Symbol.asyncIterator in events) {
        noteOpening(args, 'OK')
        return resultsOf(events as AsyncIterableIterator<object>, show, hand, context, leave)
      }
      leave()
      return refusedWith(presentable(events, context), args)
    } catch (error) {
      leave()
      return refusedWith(presentable({ errors: [error] }, context), args)
    }
  }
}

function refusedWith(result: ExecutionResult, args: ExecutionArgs): ExecutionResult {
  noteOpening(args, codeOf(result))
  return result
}

function noteOpening({ contextValue, document, operationName }: ExecutionArgs, code: OutcomeCode): void {
  const { viewer, requestId, services } = contextValue as Context
  const name = getOperationAST(document, operationName)?.name?.value
  services.watch.ended({ viewer, requestId, kind: 'subscription', name, code, durationMs: 0, answerBytes: 0 })
}

/** What an event looks like, and how many bytes that takes. */
interface Shown {
  result: ExecutionResult
  bytes: number
}

/** What is longer is made into the texts of its subscribers one by one. */
const LONG_EVENT = 16 * 1024

/**
 * Waits until a subscriber may have the event, and takes its share of the answers on the way. Each has a text of its own, also
 * of an event that is read once for all: a thousand of them would be a gigabyte, and others would wait until all are written.
 */
function handing(share: TenantShare, tenantId: string): (shown: Shown) => Promise<Holding> {
  return async ({ bytes }) => {
    const held = share.answers.hold(tenantId)
    held.take(bytes)
    if (bytes > LONG_EVENT) await share.longEvents.inTurn(tenantId, () => setImmediate())
    return held
  }
}

/** The events as the subscription asks for them, up to one that cannot be shown whole. */
function resultsOf(
  events: AsyncIterableIterator<object>,
  show: (event: object) => Promise<Shown>,
  hand: (shown: Shown) => Promise<Holding>,
  context: Context,
  leave: () => void,
): Stream<ExecutionResult> {
  const end = () => {
    leave()
    void events.return?.()
  }
  return stream(async function* () {
    try {
      for await (const event of events) {
        const shown = await show(event)
        const { result } = shown
        // To go on would leave a gap: its subscriber has to come back for the event.
        if (result.errors) end()
        const held = await hand(shown)
        try {
          yield result
        } finally {
          held.giveBack()
        }
      }
    } catch (error) {
      end()
      // The subscriber is told in a last result: an iterator that throws would take the whole socket with it.
      yield presentable({ errors: [error] }, context)
    }
  }, end)
}

/** How long an event is kept as it was shown: subscribers that keep up ask within moments, and it may be large. */
const SHOWN_FOR_MS = 100

/** What events look like, by the views of their subscribers. */
const shownEvents = new WeakMap<object, Map<string, Promise<Shown>>>()

/** An event is small; one whose answer is not would be kept for each client that takes its time. */
const MAX_EVENT_LENGTH = 1024 * 1024

/** Equal for subscriptions that are shown the same: the same rows may be seen, and the same is asked of them. */
function viewOf({ document, operationName, variableValues }: ExecutionArgs, { viewer }: Context): string {
  return JSON.stringify([viewer.tenantId, viewer.role, operationName, variableValues, print(document)])
}

/**
 * What shows events as the subscription asks for them: each once for all subscribers with the same view, and of all
 * views of a tenant a few at a time. What could not be made is not kept: the next of them tries again.
 */
function showing(
  args: ExecutionArgs,
  turns: TenantTurns,
  execute: Execute,
): (event: object) => Promise<Shown> {
  const context = args.contextValue as Context
  const view = viewOf(args, context)
  const answerLength = Math.min(context.answerLength, MAX_EVENT_LENGTH)

  const executeFor = async (event: object): Promise<Shown> => {
    let bytes = 0
    const contextValue: Context = {
      ...context,
      answerLength,
      holdAnswer: (taken) => {
        bytes = taken
      },
      reads: context.reads.forNextEvent(),
    }
    const result = await execute({ ...args, rootValue: event, contextValue })
    return { result, bytes }
  }
  return (event) => {
    const byView = shownEvents.get(event) ?? new Map<string, Promise<Shown>>()
    shownEvents.set(event, byView)
    const known = byView.get(view)
    if (known) return known
    const shown = turns.inTurn(context.viewer.tenantId, () => executeFor(event))
    byView.set(view, shown)
    const forget = () => byView.delete(view)
    shown.then(({ result }) => (result.errors ? forget() : setTimeout(forget, SHOWN_FOR_MS).unref()), forget)
    return shown
  }
}
