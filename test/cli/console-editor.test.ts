import { PassThrough } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { LineEditor } from '../../src/cli/console-editor.ts'
import { Screen } from '../support/screen.ts'

const UP = '\x1b[A'
const LEFT = '\x1b[D'
const HOME = '\x01'
const ERASE_LINE = '\x15'
const CTRL_C = '\x03'
/** Deletes the character behind the cursor; in an empty line it ends the input. */
const CTRL_D = '\x04'

let open: LineEditor | undefined
afterEach(() => open?.close())

function terminal(columns?: number) {
  const screen = new Screen(columns)
  const modes: boolean[] = []
  const input = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (isRaw: boolean) => modes.push(isRaw),
  })
  let interrupts = 0
  const interrupt = () => {
    interrupts += 1
  }
  const editor = new LineEditor({ input, screen, interrupt })
  open = editor
  const type = async (keys: string) => {
    for (const key of keys.match(/\x1b\[\d?.|./gsu) ?? []) {
      input.write(key)
      // The stream hands it on in a later turn.
      await nextTurn()
    }
  }
  /** What `read` gives for these keys. */
  const entered = async (keys: string, isAnswer = false) => {
    const line = editor.read(isAnswer)
    await type(`${keys}\r`)
    return line
  }
  return { screen, modes, editor, type, entered, interrupts: () => interrupts }
}

describe('the line editor', () => {
  it.each([
    ['stat', 'stat'],
    ['sxt\x7f\x7ftat', 'stat'],
    [`tat${HOME}s`, 'stat'],
    [`nonsense${ERASE_LINE}stat`, 'stat'],
    [`sat${LEFT}${LEFT}t`, 'stat'],
    ['user f\u00fcr \u{1f511}\x7fme', 'user f\u00fcr me'],
  ])('reads %j as %j and shows that', async (keys, line) => {
    const { screen, entered } = terminal()
    expect(await entered(keys)).toBe(line)
    expect(screen.text).toBe(line)
    expect(screen.cursor).toEqual([1, 0])
  })

  it('leaves out empty lines, but where a challenge waits', async () => {
    const { editor, entered, type } = terminal()
    const line = editor.read(false)
    await type('\r  \rnoop\r')
    expect(await line).toBe('noop')
    expect(await entered('', true)).toBe('')
  })

  it('brings back lines, but none with a secret', async () => {
    const { entered, screen } = terminal()
    for (const line of ['user me', 'pass canary', 'auth plain Y2FuYXJ5']) await entered(line)
    await entered('Y2FuYXJ5', true)
    await entered(`xpass canary${HOME}${CTRL_D}`)
    await entered('stat')
    expect(await entered(UP)).toBe('stat')
    expect(await entered(`${UP}${UP}`)).toBe('user me')
    // Behind the oldest there is nothing but the line as it was.
    expect(await entered(`${UP}${UP}${UP}noop`)).toBe('noop')
    expect(screen.raw).not.toContain('Y2FuYXJ5')
  })

  it('shows secrets as asterisks from their first character on', async () => {
    const { entered, screen } = terminal()
    expect(await entered('pass top secret')).toBe('pass top secret')
    expect(await entered(' PASS\tt\u00f6p')).toBe(' PASS\tt\u00f6p')
    expect(await entered('auth plain dG9w')).toBe('auth plain dG9w')
    expect(await entered('Apop me 0123')).toBe('Apop me 0123')
    expect(await entered('dG9w', true)).toBe('dG9w')
    expect(screen.text.split('\n')).toEqual([
      'pass **********',
      ' PASS ***',
      'auth plain ****',
      'Apop me ****',
      '****',
    ])
    expect(screen.raw).not.toMatch(/to|t\u00f6|dG|01/)
  })

  it('keeps a secret hidden whose keyword is edited away', async () => {
    const { editor, type, screen } = terminal()
    const line = editor.read(false)
    await type(`pass canary${HOME}${CTRL_D}`)
    expect(screen.text).toBe('**********')
    await type(`${ERASE_LINE}`)
    await type(`\x05${ERASE_LINE}noop`)
    expect(screen.text).toBe('noop')
    await type('\r')
    expect(await line).toBe('noop')
    expect(screen.raw).not.toContain('can')
  })

  it('never shows a secret, whatever keys follow', async () => {
    const keys = fc.constantFrom('a', 'B', ' ', LEFT, HOME, '\x05', '\x7f', '\x17', '\x0b', CTRL_D)
    await fc.assert(
      fc.asyncProperty(fc.array(keys, { maxLength: 30 }), async (pressed) => {
        const { editor, type, screen } = terminal(20)
        void editor.read(false)
        await type('pass QQQQQQQQ')
        for (const key of pressed) await type(key)
        expect(screen.raw).not.toContain('Q')
        editor.close()
      }),
      { numRuns: 200 },
    )
  })

  it('draws long lines over several rows, and finds its place there', async () => {
    const { editor, type, screen } = terminal(10)
    const line = editor.read(false)
    await type('0123456789')
    expect([screen.text, screen.cursor]).toEqual(['0123456789', [1, 0]])
    await type('abcdefghijk')
    expect([screen.text, screen.cursor]).toEqual(['0123456789\nabcdefghij\nk', [2, 1]])
    await type(LEFT.repeat(16))
    expect(screen.cursor).toEqual([0, 5])
    await type('+')
    expect([screen.text, screen.cursor]).toEqual(['01234+5678\n9abcdefghi\njk', [0, 6]])
    await type('\r')
    expect(await line).toBe('01234+56789abcdefghijk')
    expect([screen.text, screen.cursor]).toEqual(['01234+5678\n9abcdefghi\njk', [3, 0]])
  })

  it('holds what is typed ahead until it is asked for', async () => {
    const { editor, type, screen, entered } = terminal()
    await type('auth plain\rY2FuYXJ5\rst')
    expect(screen.raw).toBe('')
    expect(await editor.read(false)).toBe('auth plain')
    expect(await editor.read(true)).toBe('Y2FuYXJ5')
    expect(screen.text).toBe('auth plain\n********')
    expect(await entered('at')).toBe('stat')
    expect(screen.text).toBe('auth plain\n********\nstat')
    expect(await entered(`${UP}${UP}noop`)).toBe('noop')
  })

  it('steps aside for what the server says, and comes back', async () => {
    const { editor, type, screen } = terminal()
    const line = editor.read(false)
    await type('sta')
    await editor.aside(async () => {
      await type('t')
      screen.write('+OK late\n')
    })
    expect(screen.text).toBe('+OK late\nstat')
    await type('\r')
    expect(await line).toBe('stat')
  })

  it('says quit on Ctrl-D', async () => {
    const { editor, type, screen, modes } = terminal()
    const line = editor.read(false)
    await type(CTRL_D)
    expect(await line).toBeUndefined()
    expect(screen.text).toBe('quit')
    expect(modes).toEqual([true, false])
  })

  it('says it behind what was typed ahead of Ctrl-D', async () => {
    const { editor, type, screen } = terminal()
    await type(`stat\r${CTRL_D}`)
    expect([await editor.read(false), await editor.read(false)]).toEqual(['stat', undefined])
    expect(screen.text).toBe('stat\nquit')
  })

  it('interrupts on Ctrl-C, also while the server is to speak', async () => {
    const { editor, type, interrupts } = terminal()
    await type(CTRL_C)
    expect(interrupts()).toBe(1)
    void editor.read(false)
    await type(`sta${CTRL_C}`)
    expect(interrupts()).toBe(2)
  })

  it('keeps the terminal on Ctrl-Z, which would bring back the echo', async () => {
    const { entered, modes } = terminal()
    expect(await entered('sta\x1at')).toBe('stat')
    expect(modes).toEqual([true])
  })

  it('gives the terminal back, the half line left as it was', async () => {
    const { editor, type, screen, modes } = terminal()
    void editor.read(false)
    await type('pass canary')
    editor.close()
    editor.close()
    await type('more')
    expect([screen.text, screen.cursor]).toEqual(['pass ******', [1, 0]])
    expect(modes).toEqual([true, false])
  })

  it('reads where there is nothing to show it on', async () => {
    const input = Object.assign(new PassThrough(), { setRawMode: () => undefined })
    const editor = new LineEditor({ input, screen: undefined, interrupt: () => undefined })
    open = editor
    const line = editor.read(false)
    input.write('pass canary\r')
    expect(await line).toBe('pass canary')
  })
})
