"""Language tags: BCP 47 in and out, ISO 639-3 codes accepted and written back as BCP 47.

A BCP 47 tag uses the shortest code of a language (RFC 5646, 2.2.1): `hau` becomes `ha`. Only the
form is checked; whether a model knows the language is the model's to say.
"""

from __future__ import annotations

import re

_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")

# ISO 639-3 codes of the languages that have a two-letter ISO 639-1 code, and the bibliographic
# 639-2 codes.
# ruff: noqa: SIM905 (a table of pairs reads better than two hundred string literals)
_SHORT = dict(
    pair.split(":")
    for pair in """ aar:aa abk:ab afr:af aka:ak amh:am ara:ar arg:an asm:as ava:av ave:ae aym:ay
    aze:az bak:ba bam:bm bel:be ben:bn bis:bi bod:bo tib:bo bos:bs bre:br bul:bg cat:ca ces:cs
    cze:cs cha:ch che:ce chu:cu chv:cv cor:kw cos:co cre:cr cym:cy wel:cy dan:da deu:de ger:de
    div:dv dzo:dz ell:el gre:el eng:en epo:eo est:et eus:eu baq:eu ewe:ee fao:fo fas:fa per:fa
    fij:fj fin:fi fra:fr fre:fr fry:fy ful:ff gla:gd gle:ga glg:gl glv:gv grn:gn guj:gu hat:ht
    hau:ha hbs:sh heb:he her:hz hin:hi hmo:ho hrv:hr hun:hu hye:hy arm:hy ibo:ig ido:io iii:ii
    iku:iu ile:ie ina:ia ind:id ipk:ik isl:is ice:is ita:it jav:jv jpn:ja kal:kl kan:kn kas:ks
    kat:ka geo:ka kau:kr kaz:kk khm:km kik:ki kin:rw kir:ky kom:kv kon:kg kor:ko kua:kj kur:ku
    lao:lo lat:la lav:lv lim:li lin:ln lit:lt ltz:lb lub:lu lug:lg mah:mh mal:ml mar:mr mkd:mk
    mac:mk mlg:mg mlt:mt mon:mn mri:mi mao:mi msa:ms may:ms mya:my bur:my nau:na nav:nv nbl:nr
    nde:nd ndo:ng nep:ne nld:nl dut:nl nno:nn nob:nb nor:no nya:ny oci:oc oji:oj ori:or orm:om
    oss:os pan:pa pli:pi pol:pl por:pt pus:ps que:qu roh:rm ron:ro rum:ro run:rn rus:ru sag:sg
    san:sa sin:si slk:sk slo:sk slv:sl sme:se smo:sm sna:sn snd:sd som:so sot:st spa:es sqi:sq
    alb:sq srd:sc srp:sr ssw:ss sun:su swa:sw swe:sv tah:ty tam:ta tat:tt tel:te tgk:tg tgl:tl
    tha:th tir:ti ton:to tsn:tn tso:ts tuk:tk tur:tr twi:tw uig:ug ukr:uk urd:ur uzb:uz ven:ve
    vie:vi vol:vo wln:wa wol:wo xho:xh yid:yi yor:yo zha:za zho:zh chi:zh zul:zu """.split()
)


def canonical(tag: str) -> str:
    """Return `tag` in the usual case (`sr-Latn-RS`) with its shortest language code.

    Raises ValueError when it does not have the form of a BCP 47 tag.
    """
    if not _TAG.fullmatch(tag):
        raise ValueError("not the form of a BCP 47 language tag")
    first, *rest = tag.split("-")
    language = first.lower()
    return "-".join([_SHORT.get(language, language), *map(_subtag, rest)])


def primary(tag: str) -> str:
    """Return the language of a canonical tag without script, region and variants."""
    return tag.split("-", 1)[0]


def _subtag(subtag: str) -> str:
    if len(subtag) == 4 and subtag.isalpha():
        return subtag.title()
    return subtag.upper() if len(subtag) == 2 else subtag.lower()
