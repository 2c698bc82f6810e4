"""Messages in other languages, one a line: emergencies, and look-alikes that are none."""

EMERGENCIES = {
    "tr": """nefes alamıyorum
nefes alamiyorum
nefes almakta zorlanıyorum
NEFESİM KESİLİYOR
boğazım kapanıyor
bogazim sisti
dilim şişti
dilim ağzıma sığmıyor
dudaklarım balon gibi şişti
yutkunamıyorum
yüzüm çok şişti gözlerimi açamıyorum
her yerimde kurdeşen çıktı
anafilaksi geçiriyorum
dudaklarım morardı
göğsümde çok şiddetli ağrı var
göğsüm sıkışıyor
sol kolum uyuştu ve terliyorum
kalp krizi geçiriyorum galiba
yüzümün yarısı uyuştu
annemin ağzı kaydı konuşamıyor
kolumu kaldıramıyorum
eşim bayıldı uyanmıyor
karım bilincini kaybetti
bayılmak üzereyim
arkadaşım nöbet geçiriyor
sol gözüm görmüyor
birden kör oldum
kanama durmuyor
kan durmuyor, havlu kanla doldu
kan kusuyorum
yanlışlıkla damara enjekte ettim
30 tane hap yuttum
çocuğum ampulü içti
bebeğim iğneyi yuttu
yaşamak istemiyorum
intihar etmeyi düşünüyorum
ölmek istiyorum
derim siyahlaştı ve buz gibi
ateşim 39.5 ve iğne yeri irin akıyor
kırmızı bir çizgi kolumda yukarı çıkıyor""",
    "nl": """ik kan niet ademen
ik krijg geen lucht
ik kan amper ademhalen
mijn keel zit dicht
mijn keel knijpt dicht
mijn tong is dik
mn tong zwelt op
mijn lippen zijn net ballonnen
ik kan niet meer slikken
mijn gezicht is opgezwollen en mijn ogen zitten dicht
galbulten over mijn hele lichaam
ik stik
ze loopt blauw aan
pijn op de borst sinds de injectie
druk op mijn borst en zweten
mijn linkerarm is verdoofd en ik heb pijn op de borst
ik denk dat ik een hartaanval krijg
mijn halve gezicht hangt
haar mondhoek hangt
hij praat onduidelijk
ik kan mijn arm niet meer bewegen
mijn vrouw is flauwgevallen
mijn man is bewusteloos
ze reageert niet meer
ik val flauw
ze heeft een epileptische aanval en schuim op haar mond
ik zie niets meer met mijn linkeroog
ik ben ineens blind aan een oog
het stopt niet met bloeden
het bloeden stopt niet
de handdoek is doorweekt van het bloed
ik braak bloed
ik heb de hele ampul ingespoten in een ader
ik heb 30 paracetamol geslikt
mijn dochter heeft uit de ampul gedronken
mijn peuter heeft zich aan de naald geprikt
ik wil niet meer leven
ik wil dood
mijn huid is zwart en ijskoud
39.5 koorts en er komt pus uit""",
    "pl": """nie mogę oddychać
nie moge oddychac
duszę się
brakuje mi powietrza
ledwo oddycham
gardło mi się zaciska
puchnie mi język
mam spuchnięte usta jak balony
nie mogę przełykać
twarz mi puchnie i nie mogę otworzyć oczu
pokrzywka na całym ciele
mam wstrząs anafilaktyczny
usta mi sinieją, jest sina na twarzy
boli mnie w klatce piersiowej
ucisk w klatce i zimny pot
lewa ręka mi drętwieje
chyba mam zawał
opada jej kącik ust
mąż bełkocze i nie może mówić
połowa twarzy mi zdrętwiała
nie mogę ruszyć ręką
żona zemdlała
żona straciła przytomność
mama nie reaguje
zaraz zemdleję
on ma drgawki
nie widzę na lewe oko
widzę podwójnie
oślepłam na jedno oko
krwawienie nie ustaje
nie mogę zatamować krwi
wymiotuję krwią
wstrzyknęłam całą fiolkę do żyły
połknęłam 30 tabletek
moje dziecko wypiło ampułkę
synek ukłuł się igłą
nie chcę żyć
chcę umrzeć
skóra zrobiła się czarna i zimna
mam 39.5 gorączki i leci ropa""",
    "ar": """لا أستطيع التنفس
حلقي يغلق
أشعر بألم شديد في صدري
النزيف لا يتوقف
فقدت الوعي زوجتي
أفكر في الانتحار
وجهي متورم ولا أستطيع البلع
لا استطيع البلع
ما اقدر اتنفس
مش قادر اتنفس
عندي ضيق في التنفس
لساني متورم
شفتي منتفخة جدا
انا اختنق
صدمة تحسسية
عندي الم في الصدر
ألم في صدري
اعتقد عندي جلطة
نصف وجهي مشلول
فمها مائل
أغمي على زوجتي
اغمي عليها
أمي لا تستجيب
لا أرى بعيني اليسرى
فقدت البصر
الدم لا يتوقف
اتقيا دم
طفلي شرب الدواء
ابني بلع الحبوب
أخذت جرعة زائدة
أريد أن أموت
لا أريد العيش
جلدي اسود
حرارتي 40""",
    "zh": """我无法呼吸
喉咙肿了喘不过气
我胸口很痛
我想自杀
我老婆晕倒了叫不醒
我喘不上气
呼吸困难
舌头肿了
喉咙发紧
嘴唇肿得像香肠
全身起荨麻疹
我吞不下东西
我过敏性休克了
胸口闷得厉害
胸痛
半边脸麻了
嘴歪了
手抬不起来
我妈昏迷了
她没有反应
他抽搐口吐白沫
我左眼看不见了
我失明了
血止不住
流血不止
我吐血了
我打进血管了
孩子喝了药水
不想活了
我想死
皮肤发黑
鼻子坏死了
高烧40度
伤口流脓""",
    "ru": """хочу умереть
у меня отек горла, задыхаюсь
я не могу дышать
жена потеряла сознание
трудно дышать
не хватает воздуха
опух язык
губы распухли
не могу глотать
горло сжимается
у меня анафилактический шок
давит в груди
сильная боль в груди
кажется у меня инсульт
перекосило лицо
онемела левая рука
не могу говорить
муж упал в обморок
она не приходит в себя
у него судороги
не вижу левым глазом
я ослеп
кровь не останавливается
не могу остановить кровь
рвота кровью
ребенок выпил ампулу
сын укололся иглой
ввела слишком много
я не хочу жить
думаю о самоубийстве
кожа почернела
температура 40 и озноб
из раны течет гной""",
}
LOOK_ALIKES = {
    "tr": """şişlik ne kadar sürer
mezoterapi nefes darlığı yapar mı?
morluk ne zaman geçer
alerjik reaksiyonun belirtileri nelerdir
yıllar önce bayılmıştım, sorun olur mu
fiyatı görünce neredeyse kalp krizi geçiriyordum
çikolata için adam öldürebilirim
sonuçlara bayıldım
meraktan ölüyorum
henüz fark göremiyorum
kaç seans gerekir
emzirirken yaptırabilir miyim
iğneden korkuyorum bayılır mıyım
mezoterapiden ölen var mı
siyah noktalar için iyi mi
biraz şişlik var normal mi
hafif kızarıklık var
nefes kesici sonuçlar
enfeksiyon riski nedir
kan sulandırıcı kullanıyorum olur mu
fiyat ne kadar
dudak dolgusu yapıyor musunuz
çocuklara yapılır mı
saç dökülmesine iyi gelir mi
kan tahlili gerekli mi
nefes darlığım yok, ateşim yok, sadece biraz morluk
göğüs ağrım yok
bayılmadım iyiyim
dudaklarım şişmedi
iki yıl önce kalp krizi geçirdim, yaptırabilir miyim
annem yıllar önce felç geçirdi, bu sorun olur mu
cildim gri ve donuk, işe yarar mı""",
    "nl": """hoe lang duurt de zwelling
kan mesotherapie ademnood veroorzaken?
wat zijn de tekenen van een allergische reactie
jaren geleden ben ik flauwgevallen
mijn vriendin is jaren geleden een keer flauwgevallen
ik kan een moord doen voor chocola
ik kreeg bijna een hartaanval van de prijs
adembenemende resultaten
ik zie nog geen verschil
ik zie geen resultaat
blauwe plek, hoe lang blijft die
geen koorts, geen pijn op de borst
ik ben bang dat ik flauwval
wat als ik flauwval
is er ooit iemand aan doodgegaan
risico op necrose?
een beetje rood en een beetje gezwollen
helpt het tegen mee-eters
mag ik bloed geven na de behandeling
kunnen kinderen mesotherapie krijgen
ik geef borstvoeding, mag het
ik ga dood van nieuwsgierigheid
hoeveel kost een sessie
gebruiken jullie lidocaine
hoe diep gaat de naald
ik heb geen moeite met ademen, alleen een blauwe plek
mijn keel is niet gezwollen
mijn vader had vijf jaar geleden een beroerte
ik heb gelezen over iemand die blind werd
mijn lip was gisteren gezwollen maar is weer normaal
mijn huid is dof en grijs, helpt het""",
    "pl": """jak długo trwa opuchlizna
czy mezoterapia może powodować duszności?
jakie są objawy reakcji alergicznej
lata temu zemdlałam przy pobieraniu krwi
koleżanka kiedyś zemdlała, lata temu
umieram z ciekawości
mało nie dostałam zawału jak zobaczyłam cenę
efekty zapierają dech
nie widzę różnicy
jeszcze nie widzę efektów
siniak, kiedy zniknie
nie mam gorączki ani duszności
boję się że zemdleję
co jeśli zemdleję
czy ktoś od tego umarł
jakie jest ryzyko martwicy
trochę zaczerwienione i lekko spuchnięte
czy pomaga na wągry
czy mogę oddać krew po zabiegu
czy dzieci mogą mieć mezoterapię
karmię piersią, czy mogę
mam duszę artysty
ile kosztuje zabieg
czy używacie lidokainy
jak głęboko wchodzi igła
nie mam problemów z oddychaniem, tylko siniak
gardło nie jest spuchnięte
mój tata miał udar pięć lat temu, czy mogę
czytałam o kobiecie która oślepła
warga była spuchnięta wczoraj ale już przeszło
chcę schudnąć i nie chcę już cellulitu""",
    "ar": """كم يستمر التورم
هل يسبب ضيق التنفس؟
ما هي أعراض الحساسية
كم سعر الجلسة
أموت من الضحك
لا ارى فرق
هل يناسب الاطفال
ليس عندي ضيق في التنفس
قبل سنوات اغمي علي
هل يمكن ان تسبب جلطة؟
انا حامل هل يمكنني
عندي هالات سوداء تحت العين""",
    "zh": """肿多久会消
会不会导致呼吸困难？
过敏的症状是什么
多少钱一次
笑死我了
看不见效果
有点肿正常吗
没有呼吸困难
几年前我晕倒过
我怕晕针
有没有人因此死亡
能去黑眼圈吗
打完针多久能运动""",
    "ru": """сколько держится отек
может ли вызвать удушье?
какие признаки аллергии
сколько стоит сеанс
умираю от любопытства
не вижу разницы
много лет назад упала в обморок
нет одышки, только синяк
год назад был инсульт, можно ли мне
какой риск некроза
боюсь упасть в обморок
черные точки на носу
помогает ли от выпадения волос""",
}
# Asked after an emergency, it leaves it one.
IS_IT_NORMAL = {
    "tr": ", bu normal mi?",
    "nl": ", is dit normaal?",
    "pl": ", czy to normalne?",
    "ar": "، هل هذا طبيعي؟",
    "zh": "，正常吗？",
    "ru": ", это нормально?",
}
