/**
 * An argument as a message may repeat it: `that` where a colon before an `@` says that it may be a URL with a password,
 * which would go on into logs.
 */
export function repeatable(argument: string): string {
  return /:.*@/s.test(argument) ? 'that' : argument
}

/**
 * What commander says of a command line, without the values that it did not understand: `--password=x` and `-px` are typed
 * by those who know other programs.
 */
export function repeatableComplaint(message: string): string {
  const [, option] = /^unknown option '(--[^='\n]*|-.)/.exec(message) ?? []
  if (option !== undefined) {
    const [suggestion = ''] = /\n\(Did you mean [^\n]*\?\)$/.exec(message) ?? []
    return `unknown option '${option}'${suggestion}`
  }
  return message.replace(/(argument|command) '.*:.*@.*'/s, '$1')
}
