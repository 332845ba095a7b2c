; ModuleID = "bnnc"
target triple = "aarch64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i8:8:32-i16:16:32-i64:64-i128:128-n32:64-S128-Fn32"

define internal void @"fused.1"(ptr noalias %".1", i64 %".2", i64 %".3") nounwind "tune-cpu"="cortex-a72" noinline
{
entry:
  %".5" = getelementptr i64, ptr %".1", i64 0
  %".6" = load i64, ptr %".5", align 8, !invariant.load !0
  %".7" = getelementptr i64, ptr %".1", i64 1
  %".8" = load ptr, ptr %".7", align 8, !invariant.load !0
  %".17" = getelementptr i64, ptr %".1", i64 2
  %".18" = load ptr, ptr %".17", align 8, !invariant.load !0
  br label %"body"
body:
  br label %"loop"
loop:
  %".10" = phi  i64 [%".2", %"body"], [%".58", %"done.1"]
  %".11" = icmp slt i64 %".10", %".3"
  br i1 %".11", label %"do", label %"done"
do:
  br label %"loop.1"
done:
  ret void
loop.1:
  %".14" = phi  i64 [0, %"do"], [%".33", %"do.1"]
  %".15" = icmp slt i64 %".14", 64
  br i1 %".15", label %"do.1", label %"done.1"
do.1:
  %".19" = mul nsw i64 %".10", 280
  %".20" = mul nsw i64 %".14", 4
  %".21" = add nsw i64 %".19", %".20"
  %".22" = getelementptr i8, ptr %".18", i64 %".21"
  %".23" = load <8 x float>, ptr %".22", align 4
  %".24" = fcmp oge <8 x float> %".23", <float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0>
  %".25" = bitcast <8 x i1> %".24" to i8
  %".26" = udiv i64 %".14", 8
  %".27" = mul i64 %".26", 8
  %".28" = sub i64 %".14", %".27"
  %".29" = mul nsw i64 %".10", 16
  %".30" = getelementptr i8, ptr %".8", i64 %".29"
  %".31" = getelementptr i8, ptr %".30", i64 %".26"
  store i8 %".25", ptr %".31", align 1
  %".33" = add nsw i64 %".14", 8
  br label %"loop.1"
done.1:
  %".35" = mul nsw i64 %".10", 280
  %".36" = add nsw i64 %".35", 256
  %".37" = getelementptr i8, ptr %".18", i64 %".36"
  %".38" = load <4 x float>, ptr %".37", align 4
  %".39" = shufflevector <4 x float> %".38", <4 x float> <float 0.0, float 0.0, float 0.0, float 0.0>, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 4, i32 4, i32 4>
  %".40" = getelementptr i8, ptr %".37", i64 16
  %".41" = load <2 x float>, ptr %".40", align 4
  %".42" = shufflevector <2 x float> %".41", <2 x float> <float 0.0, float 0.0>, <8 x i32> <i32 0, i32 1, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2>
  %".43" = shufflevector <8 x float> %".39", <8 x float> %".42", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 8, i32 9, i32 6, i32 7>
  %".44" = fcmp oge <8 x float> %".43", <float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0>
  %".45" = bitcast <8 x i1> %".44" to i8
  %".46" = and i8 %".45", 63
  %".47" = mul nsw i64 %".10", 16
  %".48" = getelementptr i8, ptr %".8", i64 %".47"
  %".49" = getelementptr i8, ptr %".48", i64 8
  %".50" = lshr i8 %".46", 0
  store i8 %".50", ptr %".49", align 1
  %".52" = getelementptr i8, ptr %".49", i64 1
  store i32 0, ptr %".52", align 4
  %".54" = getelementptr i8, ptr %".49", i64 5
  store i16 0, ptr %".54", align 2
  %".56" = getelementptr i8, ptr %".49", i64 7
  store i8 0, ptr %".56", align 1
  %".58" = add nsw i64 %".10", 1
  br label %"loop"
}

define internal void @"fused.2"(ptr noalias %".1", i64 %".2", i64 %".3") nounwind "tune-cpu"="cortex-a72" noinline
{
entry:
  %".5" = getelementptr i64, ptr %".1", i64 0
  %".6" = load i64, ptr %".5", align 8, !invariant.load !0
  %".7" = getelementptr i64, ptr %".1", i64 1
  %".8" = load ptr, ptr %".7", align 8, !invariant.load !0
  %".9" = getelementptr i64, ptr %".1", i64 2
  %".10" = load ptr, ptr %".9", align 8, !invariant.load !0
  %".11" = getelementptr i64, ptr %".1", i64 3
  %".12" = load ptr, ptr %".11", align 8, !invariant.load !0
  br label %"body"
body:
  br label %"loop"
loop:
  %".14" = phi  i64 [%".2", %"body"], [%".578", %"done.3"]
  %".15" = icmp slt i64 %".14", %".3"
  br i1 %".15", label %"do", label %"done"
do:
  %".17" = add nsw i64 %".14", 64
  %".18" = icmp slt i64 %".17", %".3"
  %".19" = select  i1 %".18", i64 %".17", i64 %".3"
  %".20" = sub nsw i64 %".19", %".14"
  %".21" = udiv i64 %".20", 7
  %".22" = mul i64 %".21", 7
  %".23" = sub i64 %".20", %".22"
  %".24" = mul nsw i64 %".21", 7
  %".25" = add nsw i64 %".14", %".24"
  br label %"loop.1"
done:
  ret void
loop.1:
  %".27" = phi  i64 [%".14", %"do"], [%".356", %"do.1"]
  %".28" = icmp slt i64 %".27", %".25"
  br i1 %".28", label %"do.1", label %"done.1"
do.1:
  %".30" = mul nsw i64 %".27", 16
  %".31" = getelementptr i8, ptr %".8", i64 %".30"
  %".32" = load <2 x i32>, ptr %".31", align 4
  %".33" = shufflevector <2 x i32> %".32", <2 x i32> %".32", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".34" = shufflevector <2 x i32> %".32", <2 x i32> %".32", <4 x i32> <i32 1, i32 1, i32 1, i32 1>
  %".35" = getelementptr i8, ptr %".31", i64 16
  %".36" = load <2 x i32>, ptr %".35", align 4
  %".37" = shufflevector <2 x i32> %".36", <2 x i32> %".36", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".38" = shufflevector <2 x i32> %".36", <2 x i32> %".36", <4 x i32> <i32 1, i32 1, i32 1, i32 1>
  %".39" = getelementptr i8, ptr %".31", i64 32
  %".40" = load <2 x i32>, ptr %".39", align 4
  %".41" = shufflevector <2 x i32> %".40", <2 x i32> %".40", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".42" = shufflevector <2 x i32> %".40", <2 x i32> %".40", <4 x i32> <i32 1, i32 1, i32 1, i32 1>
  %".43" = getelementptr i8, ptr %".31", i64 48
  %".44" = load <2 x i32>, ptr %".43", align 4
  %".45" = shufflevector <2 x i32> %".44", <2 x i32> %".44", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".46" = shufflevector <2 x i32> %".44", <2 x i32> %".44", <4 x i32> <i32 1, i32 1, i32 1, i32 1>
  %".47" = getelementptr i8, ptr %".31", i64 64
  %".48" = load <2 x i32>, ptr %".47", align 4
  %".49" = shufflevector <2 x i32> %".48", <2 x i32> %".48", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".50" = shufflevector <2 x i32> %".48", <2 x i32> %".48", <4 x i32> <i32 1, i32 1, i32 1, i32 1>
  %".51" = getelementptr i8, ptr %".31", i64 80
  %".52" = load <2 x i32>, ptr %".51", align 4
  %".53" = shufflevector <2 x i32> %".52", <2 x i32> %".52", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".54" = shufflevector <2 x i32> %".52", <2 x i32> %".52", <4 x i32> <i32 1, i32 1, i32 1, i32 1>
  %".55" = getelementptr i8, ptr %".31", i64 96
  %".56" = load <2 x i32>, ptr %".55", align 4
  %".57" = shufflevector <2 x i32> %".56", <2 x i32> %".56", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".58" = shufflevector <2 x i32> %".56", <2 x i32> %".56", <4 x i32> <i32 1, i32 1, i32 1, i32 1>
  %".59" = load <4 x i32>, ptr %".10", align 4
  %".60" = getelementptr i8, ptr %".10", i64 32
  %".61" = load <4 x i32>, ptr %".60", align 4
  %".62" = getelementptr i8, ptr %".10", i64 16
  %".63" = load <4 x i32>, ptr %".62", align 4
  %".64" = getelementptr i8, ptr %".10", i64 48
  %".65" = load <4 x i32>, ptr %".64", align 4
  %".66" = xor <4 x i32> %".33", %".59"
  %".67" = xor <4 x i32> %".34", %".61"
  %".68" = bitcast <4 x i32> %".66" to <16 x i8>
  %".69" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".68")
  %".70" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".69"
  %".71" = bitcast <4 x i32> %".67" to <16 x i8>
  %".72" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".71")
  %".73" = add <16 x i8> %".70", %".72"
  %".74" = xor <4 x i32> %".33", %".63"
  %".75" = xor <4 x i32> %".34", %".65"
  %".76" = bitcast <4 x i32> %".74" to <16 x i8>
  %".77" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".76")
  %".78" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".77"
  %".79" = bitcast <4 x i32> %".75" to <16 x i8>
  %".80" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".79")
  %".81" = add <16 x i8> %".78", %".80"
  %".82" = xor <4 x i32> %".37", %".59"
  %".83" = xor <4 x i32> %".38", %".61"
  %".84" = bitcast <4 x i32> %".82" to <16 x i8>
  %".85" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".84")
  %".86" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".85"
  %".87" = bitcast <4 x i32> %".83" to <16 x i8>
  %".88" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".87")
  %".89" = add <16 x i8> %".86", %".88"
  %".90" = xor <4 x i32> %".37", %".63"
  %".91" = xor <4 x i32> %".38", %".65"
  %".92" = bitcast <4 x i32> %".90" to <16 x i8>
  %".93" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".92")
  %".94" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".93"
  %".95" = bitcast <4 x i32> %".91" to <16 x i8>
  %".96" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".95")
  %".97" = add <16 x i8> %".94", %".96"
  %".98" = xor <4 x i32> %".41", %".59"
  %".99" = xor <4 x i32> %".42", %".61"
  %".100" = bitcast <4 x i32> %".98" to <16 x i8>
  %".101" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".100")
  %".102" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".101"
  %".103" = bitcast <4 x i32> %".99" to <16 x i8>
  %".104" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".103")
  %".105" = add <16 x i8> %".102", %".104"
  %".106" = xor <4 x i32> %".41", %".63"
  %".107" = xor <4 x i32> %".42", %".65"
  %".108" = bitcast <4 x i32> %".106" to <16 x i8>
  %".109" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".108")
  %".110" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".109"
  %".111" = bitcast <4 x i32> %".107" to <16 x i8>
  %".112" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".111")
  %".113" = add <16 x i8> %".110", %".112"
  %".114" = xor <4 x i32> %".45", %".59"
  %".115" = xor <4 x i32> %".46", %".61"
  %".116" = bitcast <4 x i32> %".114" to <16 x i8>
  %".117" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".116")
  %".118" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".117"
  %".119" = bitcast <4 x i32> %".115" to <16 x i8>
  %".120" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".119")
  %".121" = add <16 x i8> %".118", %".120"
  %".122" = xor <4 x i32> %".45", %".63"
  %".123" = xor <4 x i32> %".46", %".65"
  %".124" = bitcast <4 x i32> %".122" to <16 x i8>
  %".125" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".124")
  %".126" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".125"
  %".127" = bitcast <4 x i32> %".123" to <16 x i8>
  %".128" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".127")
  %".129" = add <16 x i8> %".126", %".128"
  %".130" = xor <4 x i32> %".49", %".59"
  %".131" = xor <4 x i32> %".50", %".61"
  %".132" = bitcast <4 x i32> %".130" to <16 x i8>
  %".133" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".132")
  %".134" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".133"
  %".135" = bitcast <4 x i32> %".131" to <16 x i8>
  %".136" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".135")
  %".137" = add <16 x i8> %".134", %".136"
  %".138" = xor <4 x i32> %".49", %".63"
  %".139" = xor <4 x i32> %".50", %".65"
  %".140" = bitcast <4 x i32> %".138" to <16 x i8>
  %".141" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".140")
  %".142" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".141"
  %".143" = bitcast <4 x i32> %".139" to <16 x i8>
  %".144" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".143")
  %".145" = add <16 x i8> %".142", %".144"
  %".146" = xor <4 x i32> %".53", %".59"
  %".147" = xor <4 x i32> %".54", %".61"
  %".148" = bitcast <4 x i32> %".146" to <16 x i8>
  %".149" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".148")
  %".150" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".149"
  %".151" = bitcast <4 x i32> %".147" to <16 x i8>
  %".152" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".151")
  %".153" = add <16 x i8> %".150", %".152"
  %".154" = xor <4 x i32> %".53", %".63"
  %".155" = xor <4 x i32> %".54", %".65"
  %".156" = bitcast <4 x i32> %".154" to <16 x i8>
  %".157" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".156")
  %".158" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".157"
  %".159" = bitcast <4 x i32> %".155" to <16 x i8>
  %".160" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".159")
  %".161" = add <16 x i8> %".158", %".160"
  %".162" = xor <4 x i32> %".57", %".59"
  %".163" = xor <4 x i32> %".58", %".61"
  %".164" = bitcast <4 x i32> %".162" to <16 x i8>
  %".165" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".164")
  %".166" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".165"
  %".167" = bitcast <4 x i32> %".163" to <16 x i8>
  %".168" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".167")
  %".169" = add <16 x i8> %".166", %".168"
  %".170" = xor <4 x i32> %".57", %".63"
  %".171" = xor <4 x i32> %".58", %".65"
  %".172" = bitcast <4 x i32> %".170" to <16 x i8>
  %".173" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".172")
  %".174" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".173"
  %".175" = bitcast <4 x i32> %".171" to <16 x i8>
  %".176" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".175")
  %".177" = add <16 x i8> %".174", %".176"
  %".178" = getelementptr i8, ptr %".31", i64 8
  %".179" = getelementptr i8, ptr %".10", i64 64
  %".180" = load i32, ptr %".178", align 4
  %".181" = insertelement <4 x i32> <i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".180", i32 0
  %".182" = shufflevector <4 x i32> %".181", <4 x i32> %".181", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".183" = getelementptr i8, ptr %".178", i64 16
  %".184" = load i32, ptr %".183", align 4
  %".185" = insertelement <4 x i32> <i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".184", i32 0
  %".186" = shufflevector <4 x i32> %".185", <4 x i32> %".185", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".187" = getelementptr i8, ptr %".178", i64 32
  %".188" = load i32, ptr %".187", align 4
  %".189" = insertelement <4 x i32> <i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".188", i32 0
  %".190" = shufflevector <4 x i32> %".189", <4 x i32> %".189", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".191" = getelementptr i8, ptr %".178", i64 48
  %".192" = load i32, ptr %".191", align 4
  %".193" = insertelement <4 x i32> <i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".192", i32 0
  %".194" = shufflevector <4 x i32> %".193", <4 x i32> %".193", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".195" = getelementptr i8, ptr %".178", i64 64
  %".196" = load i32, ptr %".195", align 4
  %".197" = insertelement <4 x i32> <i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".196", i32 0
  %".198" = shufflevector <4 x i32> %".197", <4 x i32> %".197", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".199" = getelementptr i8, ptr %".178", i64 80
  %".200" = load i32, ptr %".199", align 4
  %".201" = insertelement <4 x i32> <i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".200", i32 0
  %".202" = shufflevector <4 x i32> %".201", <4 x i32> %".201", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".203" = getelementptr i8, ptr %".178", i64 96
  %".204" = load i32, ptr %".203", align 4
  %".205" = insertelement <4 x i32> <i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".204", i32 0
  %".206" = shufflevector <4 x i32> %".205", <4 x i32> %".205", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".207" = load <4 x i32>, ptr %".179", align 4
  %".208" = getelementptr i8, ptr %".179", i64 16
  %".209" = load <4 x i32>, ptr %".208", align 4
  %".210" = xor <4 x i32> %".182", %".207"
  %".211" = bitcast <4 x i32> %".210" to <16 x i8>
  %".212" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".211")
  %".213" = add <16 x i8> %".73", %".212"
  %".214" = xor <4 x i32> %".182", %".209"
  %".215" = bitcast <4 x i32> %".214" to <16 x i8>
  %".216" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".215")
  %".217" = add <16 x i8> %".81", %".216"
  %".218" = xor <4 x i32> %".186", %".207"
  %".219" = bitcast <4 x i32> %".218" to <16 x i8>
  %".220" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".219")
  %".221" = add <16 x i8> %".89", %".220"
  %".222" = xor <4 x i32> %".186", %".209"
  %".223" = bitcast <4 x i32> %".222" to <16 x i8>
  %".224" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".223")
  %".225" = add <16 x i8> %".97", %".224"
  %".226" = xor <4 x i32> %".190", %".207"
  %".227" = bitcast <4 x i32> %".226" to <16 x i8>
  %".228" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".227")
  %".229" = add <16 x i8> %".105", %".228"
  %".230" = xor <4 x i32> %".190", %".209"
  %".231" = bitcast <4 x i32> %".230" to <16 x i8>
  %".232" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".231")
  %".233" = add <16 x i8> %".113", %".232"
  %".234" = xor <4 x i32> %".194", %".207"
  %".235" = bitcast <4 x i32> %".234" to <16 x i8>
  %".236" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".235")
  %".237" = add <16 x i8> %".121", %".236"
  %".238" = xor <4 x i32> %".194", %".209"
  %".239" = bitcast <4 x i32> %".238" to <16 x i8>
  %".240" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".239")
  %".241" = add <16 x i8> %".129", %".240"
  %".242" = xor <4 x i32> %".198", %".207"
  %".243" = bitcast <4 x i32> %".242" to <16 x i8>
  %".244" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".243")
  %".245" = add <16 x i8> %".137", %".244"
  %".246" = xor <4 x i32> %".198", %".209"
  %".247" = bitcast <4 x i32> %".246" to <16 x i8>
  %".248" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".247")
  %".249" = add <16 x i8> %".145", %".248"
  %".250" = xor <4 x i32> %".202", %".207"
  %".251" = bitcast <4 x i32> %".250" to <16 x i8>
  %".252" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".251")
  %".253" = add <16 x i8> %".153", %".252"
  %".254" = xor <4 x i32> %".202", %".209"
  %".255" = bitcast <4 x i32> %".254" to <16 x i8>
  %".256" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".255")
  %".257" = add <16 x i8> %".161", %".256"
  %".258" = xor <4 x i32> %".206", %".207"
  %".259" = bitcast <4 x i32> %".258" to <16 x i8>
  %".260" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".259")
  %".261" = add <16 x i8> %".169", %".260"
  %".262" = xor <4 x i32> %".206", %".209"
  %".263" = bitcast <4 x i32> %".262" to <16 x i8>
  %".264" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".263")
  %".265" = add <16 x i8> %".177", %".264"
  %".266" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".213")
  %".267" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".266")
  %".268" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".267"
  %".269" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".217")
  %".270" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".269")
  %".271" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".270"
  %".272" = shufflevector <4 x i32> %".268", <4 x i32> %".271", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %".273" = add <8 x i32> %".272", %".272"
  %".274" = sub <8 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".273"
  %".275" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".221")
  %".276" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".275")
  %".277" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".276"
  %".278" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".225")
  %".279" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".278")
  %".280" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".279"
  %".281" = shufflevector <4 x i32> %".277", <4 x i32> %".280", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %".282" = add <8 x i32> %".281", %".281"
  %".283" = sub <8 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".282"
  %".284" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".229")
  %".285" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".284")
  %".286" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".285"
  %".287" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".233")
  %".288" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".287")
  %".289" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".288"
  %".290" = shufflevector <4 x i32> %".286", <4 x i32> %".289", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %".291" = add <8 x i32> %".290", %".290"
  %".292" = sub <8 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".291"
  %".293" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".237")
  %".294" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".293")
  %".295" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".294"
  %".296" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".241")
  %".297" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".296")
  %".298" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".297"
  %".299" = shufflevector <4 x i32> %".295", <4 x i32> %".298", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %".300" = add <8 x i32> %".299", %".299"
  %".301" = sub <8 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".300"
  %".302" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".245")
  %".303" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".302")
  %".304" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".303"
  %".305" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".249")
  %".306" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".305")
  %".307" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".306"
  %".308" = shufflevector <4 x i32> %".304", <4 x i32> %".307", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %".309" = add <8 x i32> %".308", %".308"
  %".310" = sub <8 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".309"
  %".311" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".253")
  %".312" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".311")
  %".313" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".312"
  %".314" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".257")
  %".315" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".314")
  %".316" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".315"
  %".317" = shufflevector <4 x i32> %".313", <4 x i32> %".316", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %".318" = add <8 x i32> %".317", %".317"
  %".319" = sub <8 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".318"
  %".320" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".261")
  %".321" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".320")
  %".322" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".321"
  %".323" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".265")
  %".324" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".323")
  %".325" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".324"
  %".326" = shufflevector <4 x i32> %".322", <4 x i32> %".325", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %".327" = add <8 x i32> %".326", %".326"
  %".328" = sub <8 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".327"
  %".329" = mul nsw i64 %".27", 32
  %".330" = getelementptr i8, ptr %".12", i64 %".329"
  store <8 x i32> %".274", ptr %".330", align 4
  %".332" = add nsw i64 %".27", 1
  %".333" = mul nsw i64 %".332", 32
  %".334" = getelementptr i8, ptr %".12", i64 %".333"
  store <8 x i32> %".283", ptr %".334", align 4
  %".336" = add nsw i64 %".27", 2
  %".337" = mul nsw i64 %".336", 32
  %".338" = getelementptr i8, ptr %".12", i64 %".337"
  store <8 x i32> %".292", ptr %".338", align 4
  %".340" = add nsw i64 %".27", 3
  %".341" = mul nsw i64 %".340", 32
  %".342" = getelementptr i8, ptr %".12", i64 %".341"
  store <8 x i32> %".301", ptr %".342", align 4
  %".344" = add nsw i64 %".27", 4
  %".345" = mul nsw i64 %".344", 32
  %".346" = getelementptr i8, ptr %".12", i64 %".345"
  store <8 x i32> %".310", ptr %".346", align 4
  %".348" = add nsw i64 %".27", 5
  %".349" = mul nsw i64 %".348", 32
  %".350" = getelementptr i8, ptr %".12", i64 %".349"
  store <8 x i32> %".319", ptr %".350", align 4
  %".352" = add nsw i64 %".27", 6
  %".353" = mul nsw i64 %".352", 32
  %".354" = getelementptr i8, ptr %".12", i64 %".353"
  store <8 x i32> %".328", ptr %".354", align 4
  %".356" = add nsw i64 %".27", 7
  br label %"loop.1"
done.1:
  %".358" = sub nsw i64 %".19", %".25"
  %".359" = udiv i64 %".358", 3
  %".360" = mul i64 %".359", 3
  %".361" = sub i64 %".358", %".360"
  %".362" = mul nsw i64 %".359", 3
  %".363" = add nsw i64 %".25", %".362"
  br label %"loop.2"
loop.2:
  %".365" = phi  i64 [%".25", %"done.1"], [%".514", %"do.2"]
  %".366" = icmp slt i64 %".365", %".363"
  br i1 %".366", label %"do.2", label %"done.2"
do.2:
  %".368" = mul nsw i64 %".365", 16
  %".369" = getelementptr i8, ptr %".8", i64 %".368"
  %".370" = load <2 x i32>, ptr %".369", align 4
  %".371" = shufflevector <2 x i32> %".370", <2 x i32> %".370", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".372" = shufflevector <2 x i32> %".370", <2 x i32> %".370", <4 x i32> <i32 1, i32 1, i32 1, i32 1>
  %".373" = getelementptr i8, ptr %".369", i64 16
  %".374" = load <2 x i32>, ptr %".373", align 4
  %".375" = shufflevector <2 x i32> %".374", <2 x i32> %".374", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".376" = shufflevector <2 x i32> %".374", <2 x i32> %".374", <4 x i32> <i32 1, i32 1, i32 1, i32 1>
  %".377" = getelementptr i8, ptr %".369", i64 32
  %".378" = load <2 x i32>, ptr %".377", align 4
  %".379" = shufflevector <2 x i32> %".378", <2 x i32> %".378", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".380" = shufflevector <2 x i32> %".378", <2 x i32> %".378", <4 x i32> <i32 1, i32 1, i32 1, i32 1>
  %".381" = load <4 x i32>, ptr %".10", align 4
  %".382" = getelementptr i8, ptr %".10", i64 32
  %".383" = load <4 x i32>, ptr %".382", align 4
  %".384" = getelementptr i8, ptr %".10", i64 16
  %".385" = load <4 x i32>, ptr %".384", align 4
  %".386" = getelementptr i8, ptr %".10", i64 48
  %".387" = load <4 x i32>, ptr %".386", align 4
  %".388" = xor <4 x i32> %".371", %".381"
  %".389" = xor <4 x i32> %".372", %".383"
  %".390" = bitcast <4 x i32> %".388" to <16 x i8>
  %".391" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".390")
  %".392" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".391"
  %".393" = bitcast <4 x i32> %".389" to <16 x i8>
  %".394" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".393")
  %".395" = add <16 x i8> %".392", %".394"
  %".396" = xor <4 x i32> %".371", %".385"
  %".397" = xor <4 x i32> %".372", %".387"
  %".398" = bitcast <4 x i32> %".396" to <16 x i8>
  %".399" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".398")
  %".400" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".399"
  %".401" = bitcast <4 x i32> %".397" to <16 x i8>
  %".402" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".401")
  %".403" = add <16 x i8> %".400", %".402"
  %".404" = xor <4 x i32> %".375", %".381"
  %".405" = xor <4 x i32> %".376", %".383"
  %".406" = bitcast <4 x i32> %".404" to <16 x i8>
  %".407" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".406")
  %".408" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".407"
  %".409" = bitcast <4 x i32> %".405" to <16 x i8>
  %".410" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".409")
  %".411" = add <16 x i8> %".408", %".410"
  %".412" = xor <4 x i32> %".375", %".385"
  %".413" = xor <4 x i32> %".376", %".387"
  %".414" = bitcast <4 x i32> %".412" to <16 x i8>
  %".415" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".414")
  %".416" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".415"
  %".417" = bitcast <4 x i32> %".413" to <16 x i8>
  %".418" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".417")
  %".419" = add <16 x i8> %".416", %".418"
  %".420" = xor <4 x i32> %".379", %".381"
  %".421" = xor <4 x i32> %".380", %".383"
  %".422" = bitcast <4 x i32> %".420" to <16 x i8>
  %".423" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".422")
  %".424" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".423"
  %".425" = bitcast <4 x i32> %".421" to <16 x i8>
  %".426" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".425")
  %".427" = add <16 x i8> %".424", %".426"
  %".428" = xor <4 x i32> %".379", %".385"
  %".429" = xor <4 x i32> %".380", %".387"
  %".430" = bitcast <4 x i32> %".428" to <16 x i8>
  %".431" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".430")
  %".432" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".431"
  %".433" = bitcast <4 x i32> %".429" to <16 x i8>
  %".434" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".433")
  %".435" = add <16 x i8> %".432", %".434"
  %".436" = getelementptr i8, ptr %".369", i64 8
  %".437" = getelementptr i8, ptr %".10", i64 64
  %".438" = load i32, ptr %".436", align 4
  %".439" = insertelement <4 x i32> <i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".438", i32 0
  %".440" = shufflevector <4 x i32> %".439", <4 x i32> %".439", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".441" = getelementptr i8, ptr %".436", i64 16
  %".442" = load i32, ptr %".441", align 4
  %".443" = insertelement <4 x i32> <i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".442", i32 0
  %".444" = shufflevector <4 x i32> %".443", <4 x i32> %".443", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".445" = getelementptr i8, ptr %".436", i64 32
  %".446" = load i32, ptr %".445", align 4
  %".447" = insertelement <4 x i32> <i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".446", i32 0
  %".448" = shufflevector <4 x i32> %".447", <4 x i32> %".447", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".449" = load <4 x i32>, ptr %".437", align 4
  %".450" = getelementptr i8, ptr %".437", i64 16
  %".451" = load <4 x i32>, ptr %".450", align 4
  %".452" = xor <4 x i32> %".440", %".449"
  %".453" = bitcast <4 x i32> %".452" to <16 x i8>
  %".454" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".453")
  %".455" = add <16 x i8> %".395", %".454"
  %".456" = xor <4 x i32> %".440", %".451"
  %".457" = bitcast <4 x i32> %".456" to <16 x i8>
  %".458" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".457")
  %".459" = add <16 x i8> %".403", %".458"
  %".460" = xor <4 x i32> %".444", %".449"
  %".461" = bitcast <4 x i32> %".460" to <16 x i8>
  %".462" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".461")
  %".463" = add <16 x i8> %".411", %".462"
  %".464" = xor <4 x i32> %".444", %".451"
  %".465" = bitcast <4 x i32> %".464" to <16 x i8>
  %".466" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".465")
  %".467" = add <16 x i8> %".419", %".466"
  %".468" = xor <4 x i32> %".448", %".449"
  %".469" = bitcast <4 x i32> %".468" to <16 x i8>
  %".470" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".469")
  %".471" = add <16 x i8> %".427", %".470"
  %".472" = xor <4 x i32> %".448", %".451"
  %".473" = bitcast <4 x i32> %".472" to <16 x i8>
  %".474" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".473")
  %".475" = add <16 x i8> %".435", %".474"
  %".476" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".455")
  %".477" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".476")
  %".478" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".477"
  %".479" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".459")
  %".480" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".479")
  %".481" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".480"
  %".482" = shufflevector <4 x i32> %".478", <4 x i32> %".481", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %".483" = add <8 x i32> %".482", %".482"
  %".484" = sub <8 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".483"
  %".485" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".463")
  %".486" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".485")
  %".487" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".486"
  %".488" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".467")
  %".489" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".488")
  %".490" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".489"
  %".491" = shufflevector <4 x i32> %".487", <4 x i32> %".490", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %".492" = add <8 x i32> %".491", %".491"
  %".493" = sub <8 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".492"
  %".494" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".471")
  %".495" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".494")
  %".496" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".495"
  %".497" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".475")
  %".498" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".497")
  %".499" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".498"
  %".500" = shufflevector <4 x i32> %".496", <4 x i32> %".499", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %".501" = add <8 x i32> %".500", %".500"
  %".502" = sub <8 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".501"
  %".503" = mul nsw i64 %".365", 32
  %".504" = getelementptr i8, ptr %".12", i64 %".503"
  store <8 x i32> %".484", ptr %".504", align 4
  %".506" = add nsw i64 %".365", 1
  %".507" = mul nsw i64 %".506", 32
  %".508" = getelementptr i8, ptr %".12", i64 %".507"
  store <8 x i32> %".493", ptr %".508", align 4
  %".510" = add nsw i64 %".365", 2
  %".511" = mul nsw i64 %".510", 32
  %".512" = getelementptr i8, ptr %".12", i64 %".511"
  store <8 x i32> %".502", ptr %".512", align 4
  %".514" = add nsw i64 %".365", 3
  br label %"loop.2"
done.2:
  br label %"loop.3"
loop.3:
  %".517" = phi  i64 [%".363", %"done.2"], [%".576", %"do.3"]
  %".518" = icmp slt i64 %".517", %".19"
  br i1 %".518", label %"do.3", label %"done.3"
do.3:
  %".520" = mul nsw i64 %".517", 16
  %".521" = getelementptr i8, ptr %".8", i64 %".520"
  %".522" = load <2 x i32>, ptr %".521", align 4
  %".523" = shufflevector <2 x i32> %".522", <2 x i32> %".522", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".524" = shufflevector <2 x i32> %".522", <2 x i32> %".522", <4 x i32> <i32 1, i32 1, i32 1, i32 1>
  %".525" = load <4 x i32>, ptr %".10", align 4
  %".526" = getelementptr i8, ptr %".10", i64 32
  %".527" = load <4 x i32>, ptr %".526", align 4
  %".528" = getelementptr i8, ptr %".10", i64 16
  %".529" = load <4 x i32>, ptr %".528", align 4
  %".530" = getelementptr i8, ptr %".10", i64 48
  %".531" = load <4 x i32>, ptr %".530", align 4
  %".532" = xor <4 x i32> %".523", %".525"
  %".533" = xor <4 x i32> %".524", %".527"
  %".534" = bitcast <4 x i32> %".532" to <16 x i8>
  %".535" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".534")
  %".536" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".535"
  %".537" = bitcast <4 x i32> %".533" to <16 x i8>
  %".538" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".537")
  %".539" = add <16 x i8> %".536", %".538"
  %".540" = xor <4 x i32> %".523", %".529"
  %".541" = xor <4 x i32> %".524", %".531"
  %".542" = bitcast <4 x i32> %".540" to <16 x i8>
  %".543" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".542")
  %".544" = add <16 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".543"
  %".545" = bitcast <4 x i32> %".541" to <16 x i8>
  %".546" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".545")
  %".547" = add <16 x i8> %".544", %".546"
  %".548" = getelementptr i8, ptr %".521", i64 8
  %".549" = getelementptr i8, ptr %".10", i64 64
  %".550" = load i32, ptr %".548", align 4
  %".551" = insertelement <4 x i32> <i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".550", i32 0
  %".552" = shufflevector <4 x i32> %".551", <4 x i32> %".551", <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".553" = load <4 x i32>, ptr %".549", align 4
  %".554" = getelementptr i8, ptr %".549", i64 16
  %".555" = load <4 x i32>, ptr %".554", align 4
  %".556" = xor <4 x i32> %".552", %".553"
  %".557" = bitcast <4 x i32> %".556" to <16 x i8>
  %".558" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".557")
  %".559" = add <16 x i8> %".539", %".558"
  %".560" = xor <4 x i32> %".552", %".555"
  %".561" = bitcast <4 x i32> %".560" to <16 x i8>
  %".562" = call <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".561")
  %".563" = add <16 x i8> %".547", %".562"
  %".564" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".559")
  %".565" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".564")
  %".566" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".565"
  %".567" = call <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".563")
  %".568" = call <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".567")
  %".569" = add <4 x i32> <i32 0, i32 0, i32 0, i32 0>, %".568"
  %".570" = shufflevector <4 x i32> %".566", <4 x i32> %".569", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %".571" = add <8 x i32> %".570", %".570"
  %".572" = sub <8 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".571"
  %".573" = mul nsw i64 %".517", 32
  %".574" = getelementptr i8, ptr %".12", i64 %".573"
  store <8 x i32> %".572", ptr %".574", align 4
  %".576" = add nsw i64 %".517", 1
  br label %"loop.3"
done.3:
  %".578" = add nsw i64 %".14", 64
  br label %"loop"
}

declare <16 x i8> @"llvm.ctpop.v16i8"(<16 x i8> %".1")

declare <8 x i16> @"llvm.aarch64.neon.uaddlp.v8i16.v16i8"(<16 x i8> %".1")

declare <4 x i32> @"llvm.aarch64.neon.uaddlp.v4i32.v8i16"(<8 x i16> %".1")

@"__bnnc__constants" = internal externally_initialized constant [192 x i8] zeroinitializer, section ".rodata.bnnc", align 64
define i32 @"__bnnc__abi_version"() nounwind "tune-cpu"="cortex-a72"
{
entry:
  ret i32 1
}

define i64 @"__bnnc__workspace_size"(ptr %".1") nounwind "tune-cpu"="cortex-a72"
{
entry:
  %".3" = load i64, ptr %".1", align 8
  %".4" = mul i64 %".3", 64
  %".5" = add i64 %".4", 0
  ret i64 %".5"
}

define internal void @"__bnnc__dispatch"(ptr %".1", ptr %".2", ptr %".3", i64 %".4") nounwind "tune-cpu"="cortex-a72" noinline
{
entry:
  %".6" = getelementptr i8, ptr %".1", i64 40
  %".7" = load ptr, ptr %".6", align 8
  %".8" = icmp eq ptr %".7", null
  br i1 %".8", label %"here", label %"there"
here:
  call void %".2"(ptr %".3", i64 0, i64 %".4")
  ret void
there:
  %".12" = getelementptr i8, ptr %".1", i64 48
  %".13" = load ptr, ptr %".12", align 8
  call void %".7"(ptr %".13", ptr %".2", ptr %".3", i64 %".4")
  ret void
}

define i32 @"__bnnc__run"(ptr %".1") nounwind "tune-cpu"="cortex-a72"
{
entry:
  %".3" = icmp eq ptr %".1", null
  br i1 %".3", label %"refuse", label %"go"
refuse:
  ret i32 1
go:
  %".6" = getelementptr i8, ptr %".1", i64 0
  %".7" = load i64, ptr %".6", align 8
  %".8" = icmp ne i64 %".7", 56
  br i1 %".8", label %"refuse.1", label %"go.1"
refuse.1:
  ret i32 1
go.1:
  %".11" = getelementptr i8, ptr %".1", i64 8
  %".12" = load ptr, ptr %".11", align 8
  %".13" = icmp eq ptr %".12", null
  br i1 %".13", label %"refuse.2", label %"go.2"
refuse.2:
  ret i32 2
go.2:
  %".16" = load i64, ptr %".12", align 8
  %".17" = icmp slt i64 %".16", 1
  %".18" = icmp sgt i64 %".16", 125658471745
  %".19" = or i1 %".17", %".18"
  br i1 %".19", label %"refuse.3", label %"go.3"
refuse.3:
  ret i32 2
go.3:
  %".22" = getelementptr i8, ptr %".1", i64 32
  %".23" = load ptr, ptr %".22", align 8
  %".24" = ptrtoint ptr %".23" to i64
  %".25" = and i64 %".24", 63
  %".26" = icmp eq ptr %".23", null
  %".27" = icmp ne i64 %".25", 0
  %".28" = or i1 %".26", %".27"
  br i1 %".28", label %"refuse.4", label %"go.4"
refuse.4:
  ret i32 3
go.4:
  %".31" = getelementptr i8, ptr %".1", i64 16
  %".32" = load ptr, ptr %".31", align 8
  %".33" = icmp eq ptr %".32", null
  br i1 %".33", label %"refuse.5", label %"go.5"
refuse.5:
  ret i32 4
go.5:
  %".36" = getelementptr i8, ptr %".32", i64 0
  %".37" = load ptr, ptr %".36", align 8
  %".38" = icmp eq ptr %".37", null
  %".39" = or i1 0, %".38"
  br i1 %".39", label %"refuse.6", label %"go.6"
refuse.6:
  ret i32 4
go.6:
  %".42" = getelementptr i8, ptr %".1", i64 24
  %".43" = load ptr, ptr %".42", align 8
  %".44" = icmp eq ptr %".43", null
  br i1 %".44", label %"refuse.7", label %"go.7"
refuse.7:
  ret i32 4
go.7:
  %".47" = getelementptr i8, ptr %".43", i64 0
  %".48" = load ptr, ptr %".47", align 8
  %".49" = icmp eq ptr %".48", null
  %".50" = or i1 0, %".49"
  br i1 %".50", label %"refuse.8", label %"go.8"
refuse.8:
  ret i32 4
go.8:
  %".53" = getelementptr i8, ptr %".1", i64 16
  %".54" = load ptr, ptr %".53", align 8
  %".55" = getelementptr i8, ptr %".1", i64 24
  %".56" = load ptr, ptr %".55", align 8
  %".57" = getelementptr i8, ptr %".1", i64 32
  %".58" = load ptr, ptr %".57", align 8
  %".59" = alloca i64, i32 6, align 16
  %".60" = getelementptr i8, ptr %".59", i64 16
  store i64 %".16", ptr %".60"
  %".62" = getelementptr i64, ptr %".60", i64 1
  %".63" = mul i64 %".16", 0
  %".64" = getelementptr i8, ptr %".58", i64 %".63"
  store ptr %".64", ptr %".62"
  %".66" = getelementptr i64, ptr %".60", i64 2
  %".67" = getelementptr i8, ptr %".54", i64 0
  %".68" = load ptr, ptr %".67", align 8
  store ptr %".68", ptr %".66"
  %".70" = mul i64 %".16", 1
  %".71" = add i64 %".70", 0
  %".72" = mul i64 %".16", 64
  %".73" = udiv i64 %".72", 4096
  %".74" = add i64 %".73", 1
  %".75" = udiv i64 %".72", 8192
  %".76" = icmp eq i64 %".75", 0
  %".77" = select  i1 %".76", i64 1, i64 %".75"
  store i64 %".77", ptr %".59"
  %".79" = udiv i64 %".71", %".74"
  %".80" = icmp eq i64 %".79", 0
  %".81" = select  i1 %".80", i64 1, i64 %".79"
  %".82" = getelementptr i8, ptr %".59", i64 8
  store i64 %".81", ptr %".82"
  call void @"__bnnc__dispatch"(ptr %".1", void (ptr, i64, i64)* @"fused.1", ptr %".60", i64 %".71")
  %".85" = getelementptr i64, ptr %".60", i64 1
  %".86" = mul i64 %".16", 0
  %".87" = getelementptr i8, ptr %".58", i64 %".86"
  store ptr %".87", ptr %".85"
  %".89" = getelementptr i64, ptr %".60", i64 2
  %".90" = getelementptr i8, [192 x i8]* @"__bnnc__constants", i64 0
  store [192 x i8]* %".90", ptr %".89"
  %".92" = getelementptr i64, ptr %".60", i64 3
  %".93" = getelementptr i8, ptr %".56", i64 0
  %".94" = load ptr, ptr %".93", align 8
  store ptr %".94", ptr %".92"
  %".96" = mul i64 %".16", 1
  %".97" = add i64 %".96", 0
  %".98" = mul i64 %".16", 16
  %".99" = udiv i64 %".98", 4096
  %".100" = add i64 %".99", 1
  %".101" = udiv i64 %".98", 8192
  %".102" = icmp eq i64 %".101", 0
  %".103" = select  i1 %".102", i64 1, i64 %".101"
  store i64 %".103", ptr %".59"
  %".105" = udiv i64 %".97", %".100"
  %".106" = icmp eq i64 %".105", 0
  %".107" = select  i1 %".106", i64 1, i64 %".105"
  %".108" = getelementptr i8, ptr %".59", i64 8
  store i64 %".107", ptr %".108"
  call void @"__bnnc__dispatch"(ptr %".1", void (ptr, i64, i64)* @"fused.2", ptr %".60", i64 %".97")
  ret i32 0
}

!0 = !{  }
