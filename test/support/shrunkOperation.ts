import { type DocumentNode, parse, print, visit } from 'graphql'

/**
 * The operation without all that can be left out so that `differs` still holds: fields, fragments, directives, arguments. Of
 * variables that nothing uses any more their definitions go as well.
 */
export async function shrunk(query: string, differs: (query: string) => Promise<boolean>): Promise<string> {
  let document = parse(query)
  for (let at = 0; ; ) {
    const candidate = without(document, at)
    if (candidate === undefined) return print(document)
    if (await differs(print(candidate))) document = candidate
    else at++
  }
}

/** The document without its n-th part that may be left out; undefined behind the last of them. */
function without(document: DocumentNode, place: number): DocumentNode | undefined {
  let at = -1
  const isIt = () => {
    at++
    return at === place ? null : undefined
  }
  const reduced = visit(document, {
    Field: { enter: isIt },
    FragmentSpread: { enter: isIt },
    InlineFragment: { enter: isIt },
    Directive: { enter: isIt },
    Argument: { enter: isIt },
    VariableDefinition: { enter: isIt },
    FragmentDefinition: { enter: isIt },
    ObjectField: { enter: isIt },
  })
  return at < place ? undefined : reduced
}
