/** KOI8-R (RFC 1489), as far as Russian text needs it. Node decodes it but does not encode it. */

/** The letters of 0xC0 to 0xFF in order. */
const LETTERS = 'юабцдефгхийклмнопярстужвьызшэщчъЮАБЦДЕФГХИЙКЛМНОПЯРСТУЖВЬЫЗШЭЩЧЪ'

/** Encodes text of ASCII and Russian letters. Throws a RangeError on any other character. */
export function encodeKoi8R(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => {
    const code = character.charCodeAt(0)
    if (code < 0x80) return code
    if (character === 'ё') return 0xa3
    if (character === 'Ё') return 0xb3
    const place = LETTERS.indexOf(character)
    if (place === -1) throw new RangeError(`no KOI8-R letter: ${JSON.stringify(character)}`)
    return 0xc0 + place
  })
}
