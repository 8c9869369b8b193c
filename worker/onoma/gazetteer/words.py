"""Words that say little about whose name it is: titles, particles, legal forms, common names.

Data of the rule in `scoring.py`, and part of its version: a change here changes scores.
"""

from __future__ import annotations

_TITLES = """
    mr mrs ms dr prof sir lady lord sheikh shaikh shaykh sheik haji hajji hadji mullah mulla maulvi
    mawlawi molla general gen col colonel maj capt captain lt president minister alhaj al hajj
    sayyid sayed syed hon jr sr the of and de da do dos der den van von la le el bin ben ibn bint
    abu
"""

_EQUIVALENT = """
    ag aktiengesellschaft
    llc gmbh ltd limited ltda ooo bv srl sarl spzoo
    inc incorporated corp corporation
    co company gesellschaft
    sa nv spa
    plc
    jsc oao ojsc pjsc cjsc zao ao pao
    kg
    group grupo
    holding holdings
    international intl
"""
LEGAL_FORMS = {
    form: line.split()[0] for line in _EQUIVALENT.strip().splitlines() for form in line.split()
}
"""From a legal form or its like to the first of those that stand for each other."""

FORM_PHRASES = {
    "limited liability company": "llc",
    "joint stock company": "jsc",
    "open joint stock company": "ojsc",
    "public joint stock company": "pjsc",
    "closed joint stock company": "cjsc",
    "private joint stock company": "cjsc",
    "gesellschaft mit beschrankter haftung": "gmbh",
    "public limited company": "plc",
    "sp z o o": "spzoo",
    "spolka z o o": "spzoo",
    "obshchestvo s ogranichennoi otvetstvennostyu": "ooo",
    "obshchestvo s ogranichennoy otvetstvennostyu": "ooo",
    "aktsionernoe obshchestvo": "ao",
    "otkrytoe aktsionernoe obshchestvo": "oao",
    "publichnoe aktsionernoe obshchestvo": "pao",
    "zakrytoe aktsionernoe obshchestvo": "zao",
}
"""Legal forms in words, normalised, and what they are abbreviated to."""
SPELT_FORMS = ("gmbh", "llc", "ltd", "plc", "jsc", "ojsc", "ooo", "oao", "zao", "srl", "spa", "inc")
"""Legal forms that are also written letter by letter. Not those of two: they may be initials."""

_SPELLINGS = """
    al el ul
    bin ben ibn
    abu abou aboo
    sheikh shaikh shaykh sheik
    haji hajji hadji hajj
    mullah mulla molla
    maulvi mawlawi
    sayyid sayed syed
    de da do dos
    von van der den
    lt lieutenant
    gen general
    col colonel
    dr doctor
    mr mister
"""
SPELLINGS = {
    title: line.split()[0] for line in _SPELLINGS.strip().splitlines() for title in line.split()
}
"""The same of titles and particles."""
EQUIVALENTS = LEGAL_FORMS | SPELLINGS
TITLES = frozenset(_TITLES.split()) | SPELLINGS.keys()
"""Titles and particles, normalised: they say nothing of who somebody is."""

_COMMON = """
    muhammad mohammad mohammed mohamed mohamad muhammed mehmet ahmad ahmed ahmet ali aly hasan
    hassan husayn hussein hussain hossein husain abd abdul abdel abdullah abdallah abdulla abdi
    ibrahim ebrahim omar umar usman osman uthman othman khan rahman rehman mustafa mahmud mahmoud
    khalid khaled salih saleh salah salim said saeed yusuf yousef youssef yousuf ismail hamid karim
    aziz amir amin reza jamal khalil bashir hamza rashid malik hadi habib jamil nasser nasir musa
    isa adam bakr abubakar haji fatima aisha mariam mary maria marie ana anna din ullah ur rahim
    mohsen mehdi mahdi abbas akbar hakim latif majid walid tariq sultan iqbal shah gul jan noor
    jose juan luis carlos antonio jesus jorge miguel manuel alberto francisco fernando javier pedro
    ramon roberto alfonso jaime mario diego rafael daniel pablo alejandro ricardo eduardo sergio
    andres oscar victor martin enrique raul arturo angel felipe jesus gabriel julio cesar joao
    garcia rodriguez martinez hernandez lopez gonzalez gonzales perez sanchez ramirez torres flores
    rivera gomez diaz cruz reyes morales ortiz gutierrez chavez ramos ruiz alvarez castillo romero
    rojas vargas mendoza castro moreno munoz herrera medina jimenez vazquez vasquez guzman fernandez
    silva santos souza oliveira pereira costa ferreira almeida lima
    wang li zhang liu chen yang zhao huang zhou wu xu sun hu zhu gao lin he guo ma luo song zheng
    xie han tang feng yu dong xiao cheng cao yuan deng peng pan jiang cai wei jin du ye lu su ding
    wong chan lee chang ho kim park pak choi choe jung jong kang cho yoon yun jang lim ri yi kwon
    min nguyen tran le pham hoang phan vu vo dang bui do ngo yong chol hong nam il song hyon
    aleksandr alexander sergei sergey vladimir andrei andrey dmitri dmitry mikhail nikolai oleg igor
    viktor ivan yuri aleksei alexei alexey ivanov petrov olga elena natalia tatiana
    john james robert michael william david richard joseph thomas charles christopher paul mark
    george peter jean jacques pierre michel philippe smith johnson williams brown jones davis miller
    wilson taylor anderson thompson white harris clark lewis robinson walker young king wright scott
    kumar singh sharma patel das devi gupta raj ram lal begum bibi
    bank trading shipping industries industry industrial development investment investments
    organization organisation foundation national islamic state management services service center
    centre technology technologies engineering energy oil gas petroleum petrochemical steel
    construction institute association trade commercial general export import enterprise enterprises
    transport transportation logistics marine maritime air airlines security research union
    committee council ministry department army forces force front movement party people republic
    democratic government central international global world east west north south new united
    for in and
    afghanistan algeria angola arab arabia arabian armenia asia africa african america american
    azerbaijan bahrain bangladesh belarus britain british burma cameroon canada chad chile china
    chinese colombia congo cuba cuban cyprus egypt egyptian eritrea ethiopia europe european france
    french georgia german germany ghana guinea hong india indian indonesia iran iranian iraq iraqi
    ireland israel italy japan jordan kazakhstan kenya kong korea korean kuwait kyrgyzstan lebanon
    lebanese liberia libya libyan malaysia mali mexico morocco myanmar nepal niger nigeria nigerian
    oman pakistan pakistani palestine palestinian panama peru philippines poland qatar romania
    russia russian rwanda saudi senegal serbia singapore somali somalia spain sudan syria syrian
    tajikistan tanzania thailand tunisia turkey turkish turkmenistan uganda ukraine ukrainian
    emirates uzbekistan venezuela vietnam yemen zimbabwe beijing shanghai moscow tehran dubai
    damascus baghdad
"""
COMMON = frozenset(_COMMON.split()) - TITLES - LEGAL_FORMS.keys()
"""Full tokens that many people and organisations share: given and family names, countries, what a
firm does. Two of them in common don't tell one name from another.
"""
