import type { GraphQLResolveInfo } from 'graphql'
import { type Context, oncePerOperation } from '../builder/context.ts'

const loadersOf = oncePerOperation(() => new Map<string, unknown>())

/**
 * What all rows of one field of the document share, e.g. the loader that reads for all of them together: made by the
 * first, kept for the operation. Their arguments are the same, because their place in the document is.
 */
export function sharedByField<Loader>(
  context: Context,
  info: GraphQLResolveInfo,
  make: () => Loader,
): { loader: Loader; first: boolean } {
  const byPath = loadersOf(context)
  const path = pathOf(info)
  const known = byPath.get(path)
  if (known !== undefined) return { loader: known as Loader, first: false }
  const loader = make()
  byPath.set(path, loader)
  return { loader, first: true }
}

/**
 * The field's place in the document: types and aliases from the root, without list positions. Fields of different
 * types may stand at one place, each with arguments of its own.
 */
function pathOf(info: GraphQLResolveInfo): string {
  const names: string[] = []
  for (let at: GraphQLResolveInfo['path'] | undefined = info.path; at; at = at.prev) {
    if (typeof at.key === 'string') names.push(`${at.typename}:${at.key}`)
  }
  return names.join('.')
}
