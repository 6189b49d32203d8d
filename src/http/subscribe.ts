import { createSourceEventStream, type ExecutionArgs, type ExecutionResult, print } from 'graphql'
import type { Context } from '../graphql/builder/context.ts'
import { type Stream, stream } from '../stream.ts'
import { presentableError } from './errors.ts'
import { executeOperation, presentable } from './execution.ts'
import type { TenantSlots } from './limits/tenantSlots.ts'

export type Subscribe = (
  args: ExecutionArgs,
) => Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult>

/**
 * What runs a subscription: each of its events is an operation of its own, with reads of its own. A tenant has so many
 * slots for them, on whatever transport.
 */
export function createSubscribe(slots: TenantSlots): Subscribe {
  return async (args) => {
    const context = args.contextValue as Context
    const { tenantId } = context.viewer
    let leave = () => {}
    try {
      leave = slots.take(tenantId)
      const events = await createSourceEventStream(args)
      if (Symbol.asyncIterator in events)
        return resultsOf(events as AsyncIterableIterator<object>, args, leave)
      leave()
      return presentable(events, context)
    } catch (error) {
      leave()
      return presentable({ errors: [error] }, context)
    }
  }
}

/** The events as the subscription asks for them, up to one that cannot be shown. */
function resultsOf(
  events: AsyncIterableIterator<object>,
  args: ExecutionArgs,
  leave: () => void,
): Stream<ExecutionResult> {
  const context = args.contextValue as Context
  const view = viewOf(args, context)
  const end = () => {
    leave()
    void events.return?.()
  }
  return stream(async function* () {
    try {
      for await (const event of events) {
        const result = await shown(event, view, args)
        // To go on would leave a gap: its subscriber has to come back for the event.
        if (!result.data) end()
        yield result
      }
    } catch (error) {
      end()
      // The subscriber is told in a last result: an iterator that throws would take the whole socket with it.
      yield { errors: [presentableError(error, context.requestId, context.services.logger)] }
    }
  }, end)
}

/** How long an event is kept as it was shown: subscribers that keep up ask within moments, and it may be large. */
const SHOWN_FOR_MS = 100

/** What events look like, by the views of their subscribers. */
const shownEvents = new WeakMap<object, Map<string, Promise<ExecutionResult>>>()

/** Equal for subscriptions that are shown the same: the same rows may be seen, and the same is asked of them. */
function viewOf({ document, operationName, variableValues }: ExecutionArgs, { viewer }: Context): string {
  const text = document.loc?.source.body ?? print(document)
  return JSON.stringify([viewer.tenantId, viewer.role, operationName, variableValues, text])
}

/**
 * The event as the subscription asks for it, made once for all subscribers with the same view. What could not be made
 * is not kept: the next of them tries again.
 */
function shown(event: object, view: string, args: ExecutionArgs): Promise<ExecutionResult> {
  const byView = shownEvents.get(event) ?? new Map<string, Promise<ExecutionResult>>()
  shownEvents.set(event, byView)
  let result = byView.get(view)
  if (!result) {
    const context = args.contextValue as Context
    const contextValue: Context = { ...context, reads: context.reads.forNextEvent() }
    result = executeOperation({ ...args, rootValue: event, contextValue })
    byView.set(view, result)
    const forget = () => byView.delete(view)
    result.then(({ errors }) => (errors ? forget() : setTimeout(forget, SHOWN_FOR_MS).unref()), forget)
  }
  return result
}
