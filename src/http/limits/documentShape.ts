import { type DocumentNode, GraphQLError, Kind, type SelectionSetNode } from 'graphql'
import { LIMIT_SETTINGS, type Limits } from '../../config.ts'
import type { ErrorCode } from '../../refusal.ts'

/** What a selection set holds; fragments count as often as they are used. */
interface Shape {
  /** Fields inside one another. */
  depth: number
  /** Selections of the set itself, and of the widest one in it. */
  width: number
  breadth: number
  aliases: number
  directives: number
}

const EMPTY: Shape = { depth: 0, width: 0, breadth: 0, aliases: 0, directives: 0 }

/**
 * Which limit the document is beyond: depth, breadth, aliases or directives. Looked at before the
 * rules of GraphQL, some of which take time by the square of what they are given. Each fragment is measured once: those
 * that use each other twice over would otherwise take time without end, as would those in a circle.
 */
export function errorOfShape(document: DocumentNode, limits: Limits): GraphQLError | undefined {
  const fragments = new Map(
    document.definitions.flatMap((node) =>
      node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node] as const] : [],
    ),
  )
  const measured = new Map<string, Shape>()

  function shapeOf(set: SelectionSetNode): Shape {
    const shape = { ...EMPTY }
    for (const selection of set.selections) {
      shape.width += 1
      shape.directives += selection.directives?.length ?? 0
      if (selection.kind === Kind.FIELD) {
        if (selection.alias) shape.aliases += 1
        const inner = selection.selectionSet ? shapeOf(selection.selectionSet) : EMPTY
        shape.depth = Math.max(shape.depth, inner.depth + 1)
        add(shape, inner)
      } else {
        const inner =
          selection.kind === Kind.INLINE_FRAGMENT
            ? shapeOf(selection.selectionSet)
            : shapeOfFragment(selection.name.value)
        shape.depth = Math.max(shape.depth, inner.depth)
        shape.width += inner.width
        add(shape, inner)
      }
    }
    shape.breadth = Math.max(shape.breadth, shape.width)
    return shape
  }

  function shapeOfFragment(name: string): Shape {
    const known = measured.get(name)
    if (known) return known
    // Until it is known: a circle ends here, and the rules of GraphQL refuse it later.
    measured.set(name, EMPTY)
    const fragment = fragments.get(name)
    if (!fragment) return EMPTY
    const shape = shapeOf(fragment.selectionSet)
    shape.directives += fragment.directives?.length ?? 0
    measured.set(name, shape)
    return shape
  }

  for (const definition of document.definitions) {
    if (!('selectionSet' in definition) || !definition.selectionSet) continue
    const shape = shapeOf(definition.selectionSet)
    shape.directives += definition.directives?.length ?? 0
    const error =
      beyond('depth', shape.depth, limits, 'The document is nested', 'levels deep') ??
      beyond('breadth', shape.breadth, limits, 'One selection set has', 'fields') ??
      beyond('aliases', shape.aliases, limits, 'The document has', 'aliases') ??
      beyond('directives', shape.directives, limits, 'The document has', 'directives')
    if (error) return error
  }
  return undefined
}

function add(shape: Shape, inner: Shape): void {
  shape.breadth = Math.max(shape.breadth, inner.breadth)
  shape.aliases += inner.aliases
  shape.directives += inner.directives
}

/** The error of a value beyond its limit, which names both and the setting; undefined for one within it. */
export function beyond(
  limit: keyof Limits,
  value: number,
  limits: Limits,
  subject: string,
  unit: string,
  code: ErrorCode = 'LIMIT_EXCEEDED',
): GraphQLError | undefined {
  if (value <= limits[limit]) return undefined
  const shown = Number.isSafeInteger(value) ? value : 'far too many'
  return new GraphQLError(
    `${subject} ${shown} ${unit}; at most ${limits[limit]} are allowed (${LIMIT_SETTINGS[limit][0]}).`,
    { extensions: { code } },
  )
}
